package model

import (
	"bytes"
	"fmt"
)

// otherFormats are what lies at times in the place of a safetensors file, by how it begins.
var otherFormats = []struct {
	start string
	what  string
}{
	{"version https://git-lfs.github.com/spec/", "a Git LFS pointer: the file itself has not been downloaded (git lfs pull does)"},
	{"GGUF", "a GGUF file, not safetensors"},
	{"GGML", "a GGML file, not safetensors"},
	{"PK\x03\x04", "a zip archive, such as PyTorch's pickles are, not safetensors"},
	{"\x80\x02", "a Python pickle, not safetensors"},
	{"\x80\x03", "a Python pickle, not safetensors"},
	{"\x80\x04", "a Python pickle, not safetensors"},
	{"\x80\x05", "a Python pickle, not safetensors"},
	{"\x89HDF", "an HDF5 file, not safetensors"},
	{"\x93NUMPY", "a NumPy array, not safetensors"},
	{"\x1f\x8b", "a gzip archive, not safetensors"},
	{"\x28\xb5\x2f\xfd", "a zstd archive, not safetensors"},
	{"<!DOCTYPE html", "a web page, not safetensors: the download failed"},
	{"<html", "a web page, not safetensors: the download failed"},
}

// otherFormat names what the content is by its start, nil where it is nothing known. A safetensors file may begin
// like some of them; so only one that cannot be read is looked at.
func otherFormat(content []byte) error {
	for _, f := range otherFormats {
		if bytes.HasPrefix(content, []byte(f.start)) {
			return fmt.Errorf("this is %s", f.what)
		}
	}
	return nil
}
