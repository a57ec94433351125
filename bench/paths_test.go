package main

import (
	"flag"
	"io"
	"slices"
	"testing"
)

func TestPaths(t *testing.T) {
	for _, tc := range []struct {
		name       string
		args, want []string
	}{
		{"default", nil, defaultModels().list},
		{"one", []string{"-model", "a"}, []string{"a"}},
		{"list", []string{"-model", "a,b"}, []string{"a", "b"}},
		{"again and again", []string{"-model", "a,b", "-model=c"}, []string{"a", "b", "c"}},
		{"none", []string{"-model", ""}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := defaultModels()
			flags := flag.NewFlagSet("bench", flag.ContinueOnError)
			flags.SetOutput(io.Discard)
			flags.Var(&p, "model", "")
			if err := flags.Parse(tc.args); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(p.list, tc.want) {
				t.Errorf("paths %q, want %q", p.list, tc.want)
			}
		})
	}
}
