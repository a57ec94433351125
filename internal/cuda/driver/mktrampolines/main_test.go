package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// TestFresh holds the committed trampolines to the list.
func TestFresh(t *testing.T) {
	list, err := os.ReadFile("../functions.txt")
	if err != nil {
		t.Fatal(err)
	}
	want, err := trampolines("functions.txt", string(list))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../trampolines.c")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("trampolines.c is not what functions.txt makes: run go generate ./internal/cuda/driver")
	}
}

func TestRefuses(t *testing.T) {
	for list, want := range map[string]string{
		"cuInit\n":                 "no function with its arguments",
		"cuCtxGetFlags(int, b)\n":  "", // an unnamed argument looks like a name: the C compiler finds it
		"cuCtxGetFlags(int *)\n":   "has no name",
		"cuCtxGetFlags(int *a,)\n": "has no name",
	} {
		_, err := trampolines("list", list)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", list, err, want)
		}
	}
}
