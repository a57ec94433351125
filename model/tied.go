package model

import (
	"slices"
	"strings"
)

// reasonTied is why an embedding stays raw: the published loader deletes the weight of a coded
// module, and an output head that shares it would never be filled.
const reasonTied = "tied to the output head"

// headedClasses end the names of model classes that have an output head as wide as the vocabulary.
var headedClasses = []string{
	"ForCausalLM", "LMHeadModel", "DoubleHeadsModel", "ForMaskedLM", "ForPreTraining", "ForConditionalGeneration",
	"ForSeq2SeqLM",
}

// embeddingNames end the names of modules that are input embeddings, for architectures unknown.
var embeddingNames = []string{"embed_tokens", "word_embeddings", "wte", "embed_in", "tok_embeddings", "embedding", "shared"}

// tiedEmbedding returns the weight that the output head shares with the embedding, nil when there is
// none: the embedding's, if the model has a head but the checkpoint no weight for it.
func tiedEmbedding(c *Checkpoint, f *family, root string, modules *moduleSet) *Tensor {
	if c.Config != nil && c.Config.Tied != nil && !*c.Config.Tied {
		return nil
	}
	// Without a prefix before the names of its modules the checkpoint is that of a model without head,
	// whatever class config.json names: the published loader goes by exact names, and can only fill
	// such a model with it.
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
