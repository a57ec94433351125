package main

import "strings"

// paths is the value of a flag: paths separated by commas. The first use of the flag replaces the default, later
// uses add to it.
type paths struct {
	list  []string
	given bool
}

// defaultModels are the models of the published page.
func defaultModels() paths {
	return paths{list: []string{"testdata/shakespeare-llama", "models/all-minilm-l6-v2-bf16", "models/all-mpnet-base-v2-bf16"}}
}

func (p *paths) String() string { return strings.Join(p.list, ",") }

// Set adds the paths in s. An empty s means no paths.
func (p *paths) Set(s string) error {
	if !p.given {
		p.list, p.given = nil, true
	}
	for path := range strings.SplitSeq(s, ",") {
		if path != "" {
			p.list = append(p.list, path)
		}
	}
	return nil
}
