package model

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed54244801/bespoke/internal/regular"
)

// A Missing is a tensor or file that a checkpoint should hold but does not.
type Missing struct {
	// Name is that of the tensor, or of the unit or file.
	Name string `json:"name"`
	// Evidence says how it is known.
	Evidence string `json:"evidence"`
}

// FindMissing looks for what a folder without a sidecar has lost. It uses the metadata of the files, a weight map,
// the pattern_dict and the sizes in config.json, and it compares the layers with each other. With a sidecar, or
// for a file that was opened by its name, it finds nothing. All evidence but the metadata is a guess. Guesses are
// left out if the metadata prove that every weight is there. A checkpoint without metadata may be whole and yet
// seem to lack something, if its model is unusual. The list is cut short where it could become too long, as with
// layers up to number 16,383. It is in the order of [Container.SortMissing].
func (d *Container) FindMissing() []Missing {
	if d.Sidecar != nil || d.Path != d.Dir {
		return nil
	}
	f := newFinder(d)
	for _, u := range d.Units {
		for i := range u.Tensors {
			f.add(u.Tensors[i].Name)
		}
	}
	for _, t := range d.Rest {
		f.add(t.Name)
	}
	f.files()
	if !d.HasAllWeights() {
		f.guess()
	}
	d.SortMissing(f.list)
	if f.left == 0 {
		f.list = append(f.list, Missing{RestFileName, "there are too many names to look for all that is missing"})
	}
	return f.list
}

// HasAllWeights reports whether the metadata of the files prove that no weight is missing: all files belong to one
// model, and there are as many as the metadata say. Opening has also compared the weights with the sum over the
// whole model, if their names are known. This proves nothing about the other files.
func (d *Container) HasAllWeights() bool {
	s := d.Files[0].Sums
	return s != nil && s.Files == len(d.Files)
}

// SortMissing sorts what a checkpoint lacks: first tensors and units, then config.json, then other files, and last
// the sidecar.
func (d *Container) SortMissing(list []Missing) {
	slices.SortStableFunc(list, func(a, b Missing) int { return cmp.Compare(d.missingRank(a.Name), d.missingRank(b.Name)) })
}

// missingRank returns the rank by which SortMissing sorts a name. It is 0 for what holds weights.
func (d *Container) missingRank(name string) int {
	_, beside := d.Beside[name]
	switch {
	case name == SidecarName:
		return 3
	case name == ConfigName:
		return 1
	case beside:
		return 2
	}
	return 0
}

// finder collects what is missing.
type finder struct {
	d     *Container
	names map[string]bool // names of the tensors that are there, decoded
	order []string        // the same
	found map[string]bool // names in list
	list  []Missing
	left  int // work that may still be done, see maxMissing
}

func newFinder(d *Container) *finder {
	return &finder{d: d, names: map[string]bool{}, found: map[string]bool{}, left: maxMissing / 64}
}

// spend subtracts work from what may still be done, and reports whether any is left.
func (f *finder) spend(work int) bool {
	f.left -= min(f.left, work)
	return f.left > 0
}

func (f *finder) add(name string) {
	f.left = min(maxMissing, f.left+2*missingWork*len(name))
	f.names[name] = true
	f.order = append(f.order, name)
}

// miss lists a name once.
func (f *finder) miss(name, evidence string, args ...any) {
	if !f.found[name] && f.spend(missingWork*len(name)) {
		f.found[name] = true
		f.list = append(f.list, Missing{name, fmt.Sprintf(evidence, args...)})
	}
}

// guess uses evidence that may also be found in a model that is whole.
func (f *finder) guess() {
	f.shards()
	f.weightMap()
	f.units()
	f.layers()
	f.embedding()
	f.raw()
	if s := f.d.Files[0].Sums; s != nil && !slices.ContainsFunc(f.list, func(m Missing) bool { return f.d.missingRank(m.Name) == 0 }) {
		f.miss("safetensors files", "%s", f.count(s))
	}
}

// count says how many files are there, and how many there should be.
func (f *finder) count(s *Sums) string {
	return fmt.Sprintf("the metadata of %s name a checkpoint of %d files, %d are there", f.d.Files[0].Path(), s.Files, len(f.d.Files))
}

// files uses the metadata: the number of files, and the names of other files.
func (f *finder) files() {
	files := f.d.Files
	if s := files[0].Sums; s != nil && s.Files != len(files) {
		f.miss(SidecarName, "%s", f.count(s))
	}
	for _, path := range sortedKeys(f.d.Beside) {
		if odd := regular.Odd(filepath.Join(f.d.Dir, filepath.FromSlash(path))); odd != "" {
			f.miss(path, "the metadata of the safetensors files name it, but it is %s", odd)
		}
	}
}

// shards uses the number of files that the names of shards tell.
func (f *finder) shards() {
	var names []string
	for _, file := range f.d.Files {
		names = append(names, filepath.Base(file.Path()))
	}
	if err := checkShards(names); err != nil {
		f.miss("shards", "%v", err)
	}
}

// weightMap uses the tensors that a weight map lists.
func (f *finder) weightMap() {
	list, _, err := ListFolder(f.d.Dir)
	if err != nil {
		return
	}
	stored := map[string]bool{}
	for _, file := range f.d.Files {
		for _, t := range file.Tensors {
			stored[t.Name] = true
		}
	}
	for _, name := range topLevel(list, WeightMapExtension) {
		text, err := readSmall(filepath.Join(f.d.Dir, name))
		if err != nil {
			continue
		}
		x, err := ParseWeightMap(text)
		if err != nil {
			continue
		}
		for _, tensor := range sortedKeys(x.File) {
			if !stored[tensor] && !f.names[tensor] {
				f.miss(tensor, "%s lists it", name)
			}
		}
	}
}

// units uses the pattern_dict. A pattern that lists names stands for units of these names. Any other pattern
// stands for the modules that it matches, and for at least one unit.
func (f *finder) units() {
	m := *f.d.patterns
	m.spent = 0 // the work of opening must not stop patterns from matching
	matched := map[int]bool{}
	for _, u := range f.d.Units {
		for _, i := range m.all(u.Name) {
			matched[i] = true
		}
	}
	for _, name := range sortedKeys(m.named) {
		if f.d.byName[name] == nil {
			f.unit(name, m.patterns[m.named[name][0]].Attrs)
		}
	}
	coded := map[string]bool{} // modules that are units, or have units below them
	for _, u := range f.d.Units {
		for name := u.Name; name != "" && !coded[name]; name = name[:max(0, strings.LastIndexByte(name, '.'))] {
			coded[name] = true
		}
	}
	for _, module := range f.modules() {
		if coded[module] { // such as a module whose experts are the units
			continue
		}
		for _, i := range m.all(module) {
			f.unit(module, m.patterns[i].Attrs)
		}
	}
	if m.exhausted() != nil {
		f.left = 0
		return
	}
	for i := range m.regexes {
		if p := m.regexes[i].pattern; !matched[p] {
			f.miss(m.patterns[p].Regex, "no unit matches this pattern of the pattern_dict")
		}
	}
}

// unit lists the weights of a unit that is not there. It lists none if one of them is there uncoded.
func (f *finder) unit(name string, attrs []string) {
	if !f.spend((1 + len(attrs)) * (missingWork + len(name))) {
		return
	}
	var weights []string
	for _, attr := range attrs {
		weights = append(weights, name+"."+attr+weightSuffix)
	}
	if len(attrs) == 0 {
		weights = []string{name + weightSuffix}
	}
	if slices.ContainsFunc(weights, func(weight string) bool { return f.names[weight] }) {
		return
	}
	for _, weight := range weights {
		f.miss(weight, "%s has it in the unit %q, which is not there", DF11Key, name)
	}
}

// modules returns the modules of the tensors that are there, each once.
func (f *finder) modules() (modules []string) {
	seen := map[string]bool{}
	for _, name := range f.order {
		for {
			dot := strings.LastIndexByte(name, '.')
			if dot <= 0 || seen[name[:dot]] {
				break
			}
			if !f.spend(missingWork + dot) {
				return modules
			}
			name = name[:dot]
			seen[name] = true
			modules = append(modules, name)
		}
	}
	return modules
}

// embedding uses the architecture: every model of a known one has an input embedding.
func (f *finder) embedding() {
	var tensors []*Tensor
	for _, name := range f.order {
		tensors = append(tensors, &Tensor{Name: name})
	}
	modules, err := newModuleSet(tensors)
	if err != nil {
		return
	}
	family, root := findFamily(&Checkpoint{Config: f.d.Config}, modules)
	if family == nil || family.embedding == "" {
		return
	}
	if name := expand(family.embedding, root, asIs); modules.weight(name, "") == nil {
		f.miss(name+weightSuffix, "models of the family %s have it", family.name)
	}
}

// raw uses the fact that every model has tensors that DF11 never codes: those of one dimension, such as the weights of
// norms.
func (f *finder) raw() {
	if len(f.d.Rest) == 0 && f.d.Codec() == DF11 {
		f.miss(RestFileName, "not one tensor is there that is not coded, such as the weights of norms")
	}
}

// brief names what is missing in a few words, with the evidence for the first.
func brief(list []Missing) string {
	const most = 4
	var names []string
	for _, m := range list[:min(len(list), most)] {
		names = append(names, m.Name)
	}
	more := ""
	if n := len(list) - most; n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf("%s%s (%s)", strings.Join(names, ", "), more, list[0].Evidence)
}

// A MissingError reports a checkpoint of which a part is missing.
type MissingError struct {
	Path string
	List []Missing
}

// Error names the first few parts.
func (e *MissingError) Error() string {
	return fmt.Sprintf("model: %s is incomplete: %s", e.Path, brief(e.List))
}
