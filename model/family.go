package model

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// family is a group of architectures whose checkpoints name their modules alike.
type family struct {
	name    string
	classes []string // entries of "architectures", or "_class_name"
	types   []string // "model_type"
	// roots are the prefixes that {root} in a pattern may stand for. Checkpoints of the base model, of the model
	// with a head and of a multimodal model have different prefixes. The first that fits the tensors is taken.
	roots    []string
	patterns Patterns
	// embedding and head are the modules that may share one weight. They are "" if there are none.
	embedding, head string
	// decoder says that a model of the family has a head, even if its class is not known.
	decoder bool
	// notLinear is the reason why the weights of the layers cannot be coded, "" if they can.
	notLinear string
}

// expand replaces {root} by the prefix of a checkpoint, and {head} by the prefix of its output head.
func expand(name, root string, quote func(string) string) string {
	head := ""
	if root == "language_model.model." {
		head = "language_model."
	}
	return strings.NewReplacer("{root}", quote(root), "{head}", quote(head)).Replace(name)
}

// asIs is the quoting of a plain name in expand.
func asIs(s string) string { return s }

// findFamily returns the family of a checkpoint and the root of its tensors. The family is nil when no known one
// fits. A checkpoint without a configuration is recognised by its tensors alone.
func findFamily(c *Checkpoint, modules *moduleSet) (*family, string) {
	named := c.Config != nil && (len(c.Config.Architectures) > 0 || c.Config.ModelType != "" || c.Config.ClassName != "")
	for i := range families {
		f := &families[i]
		if named && !f.isNamed(c.Config) {
			continue
		}
		for _, root := range f.roots {
			if f.fits(root, modules, !named) {
				return f, root
			}
		}
	}
	return nil, ""
}

// isNamed reports whether config.json names an architecture of the family.
func (f *family) isNamed(c *Config) bool {
	for _, class := range append(slices.Clone(c.Architectures), c.ClassName) {
		if slices.Contains(f.classes, class) {
			return true
		}
	}
	return slices.Contains(f.types, c.ModelType)
}

// fits reports whether units of the family exist under root. If the configuration names the family, one unit is
// enough. With strict, only the tensors point to the family: then every pattern with attributes must have a
// complete unit.
func (f *family) fits(root string, modules *moduleSet, strict bool) bool {
	m, err := f.matcher(root)
	if err != nil {
		return false // not reached: a test compiles every pattern of the table
	}
	found := map[int]bool{} // by pattern
	for _, module := range modules.names {
		for _, i := range m.all(module) {
			has := func(attr string) bool { return modules.weight(module, attr) != nil }
			lacks := func(attr string) bool { return !has(attr) }
			if strict && !slices.ContainsFunc(m.patterns[i].Attrs, lacks) || !strict && slices.ContainsFunc(m.patterns[i].Attrs, has) {
				found[i] = true
			}
		}
	}
	for i, pattern := range m.patterns {
		if len(pattern.Attrs) > 0 && found[i] != strict {
			return found[i]
		}
	}
	return strict
}

// A familyRoot is a family with one of its roots.
type familyRoot struct {
	family *family
	root   string
}

// familyMatchers holds the matchers that were compiled, by familyRoot: all together take a megabyte of memory, which is
// more than small checkpoints do. They have matched nothing.
var familyMatchers sync.Map

// matcher returns the compiled patterns of a family under one of its roots.
func (f *family) matcher(root string) (*matcher, error) {
	cached, ok := familyMatchers.Load(familyRoot{f, root})
	if !ok {
		m, err := f.rooted(root).compile()
		if err != nil {
			return nil, err
		}
		cached, _ = familyMatchers.LoadOrStore(familyRoot{f, root}, m)
	}
	fresh := *cached.(*matcher)
	return &fresh, nil
}

// rooted returns the family's patterns for checkpoints with that prefix.
func (f *family) rooted(root string) Patterns {
	p := make(Patterns, len(f.patterns))
	for i, pattern := range f.patterns {
		p[i] = Pattern{expand(pattern.Regex, root, regexp.QuoteMeta), pattern.Attrs}
	}
	return p
}

// moduleSet holds the modules of a checkpoint: every dotted prefix of a tensor named "….weight".
type moduleSet struct {
	names   []string // in natural order
	weights map[string]*Tensor
}

// newModuleSet collects the modules of tensors.
func newModuleSet(tensors []*Tensor) (*moduleSet, error) {
	s := &moduleSet{weights: map[string]*Tensor{}}
	seen := map[string]bool{}
	for _, t := range tensors {
		module, ok := strings.CutSuffix(t.Name, weightSuffix)
		if !ok {
			continue
		}
		s.weights[module] = t
		for !seen[module] && module != "" {
			seen[module] = true
			s.names = append(s.names, module)
			module = module[:max(0, strings.LastIndexByte(module, '.'))]
		}
		if len(s.names) > maxModules {
			return nil, fmt.Errorf("more than %d modules", maxModules)
		}
	}
	slices.SortFunc(s.names, naturalCompare)
	return s, nil
}

// weight returns the weight of a submodule, or of the module itself when attr is empty; nil when
// there is none.
func (s *moduleSet) weight(module, attr string) *Tensor {
	if attr != "" {
		module += "." + attr
	}
	return s.weights[module]
}

// weightSuffix ends the name of every tensor that may be coded.
const weightSuffix = ".weight"

// reasonTied is why an embedding stays raw: the published loader deletes the weight of a coded
// module, and an output head that shares it would never be filled.
const reasonTied = "tied to the output head"

// headedClasses are the ends of names of model classes that have an output head as wide as the vocabulary.
var headedClasses = []string{
	"ForCausalLM", "LMHeadModel", "DoubleHeadsModel", "ForMaskedLM", "ForPreTraining", "ForConditionalGeneration",
	"ForSeq2SeqLM",
}

// embeddingNames are the ends of names of modules that are input embeddings. They serve for unknown architectures.
var embeddingNames = []string{"embed_tokens", "word_embeddings", "wte", "embed_in", "tok_embeddings", "embedding", "shared"}

// tiedEmbedding returns the weight that the output head shares with the embedding, nil when there is none. It is
// the embedding's weight, if the model has a head and the checkpoint has no weight for the head.
func tiedEmbedding(c *Checkpoint, f *family, root string, modules *moduleSet) *Tensor {
	if c.Config != nil && c.Config.Tied != nil && !*c.Config.Tied {
		return nil
	}
	// If the names of its modules have no prefix, the checkpoint is that of a model without a head, whatever class
	// config.json names. The published loader goes by exact names, so it can only fill such a model with it.
	if f != nil && root == "" {
		return nil
	}
	headed, known := hasHead(c.Config)
	if f != nil && f.embedding == "" || known && !headed || f != nil && !known && !f.decoder {
		return nil
	}
	if f != nil {
		if modules.weight(expand(f.head, root, asIs), "") != nil {
			return nil
		}
		return modules.weight(expand(f.embedding, root, asIs), "")
	}
	for _, module := range modules.names {
		last := module[strings.LastIndexByte(module, '.')+1:]
		if t := modules.weight(module, ""); t != nil && slices.Contains(embeddingNames, last) {
			if !hasTwin(t, modules) {
				return t
			}
		}
	}
	return nil
}

// hasHead reports whether the model class has an output head, and whether the class is known.
func hasHead(c *Config) (headed, known bool) {
	if c == nil || len(c.Architectures) == 0 && c.ClassName == "" {
		return false, false
	}
	for _, class := range c.Architectures {
		for _, suffix := range headedClasses {
			if strings.HasSuffix(class, suffix) {
				return true, true
			}
		}
	}
	return false, true
}

// hasTwin reports whether another weight has the shape of t: the head of an unknown architecture.
func hasTwin(t *Tensor, modules *moduleSet) bool {
	for _, other := range modules.weights {
		if other != t && slices.Equal(other.Shape, t.Shape) {
			return true
		}
	}
	return false
}
