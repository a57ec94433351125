package model

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed54244801/bespoke/codebook"
)

// sumOf returns the sum of a file with the content, as if it had the given size.
func sumOf(content string, size int64) FileSum {
	return FileSum{size, SumOf([]byte(content)).XXH128}
}

// exampleHeader is the header of the original file of unitBlock, with a padding that no writer here
// would choose.
const exampleHeader = `{"block.0.self_attn.q_proj.weight":{"dtype":"BF16","shape":[1,4],"data_offsets":[0,8]},` +
	`"block.0.mlp.up_proj.weight":{"dtype":"BF16","shape":[8],"data_offsets":[8,24]}} ` + "\t"

// exampleSidecar describes a checkpoint with the one unit unitBlock(t, "block.0").
func exampleSidecar(t testing.TB) *Sidecar {
	t.Helper()
	size := int64(8 + len(exampleHeader) + 24)
	var luts strings.Builder
	if err := unitBlock(t, "block.0")[partLuts].Write(&luts); err != nil {
		t.Fatal(err)
	}
	book, err := codebook.ParseLuts([]byte(luts.String()))
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]TensorSum{"block.0.self_attn.q_proj.weight": {1}, "block.0.mlp.up_proj.weight": {2}}
	for _, e := range unitBlock(t, "block.0") {
		sums[e.Name] = SumTensor(e.Data)
	}
	return &Sidecar{
		Version: 3,
		Scheme:  "unit",
		Units:   []SidecarUnit{{Name: "block.0", Book: book.Fingerprint().String(), File: "model.safetensors"}},
		Files: []SidecarFile{
			{Path: "config.json", FileSum: sumOf("<{\"a\":\"é\"}>\n", 13), Mode: 0o644, Kind: Inline, Text: "<{\"a\":\"é\"}>\n"},
			{Path: "empty.safetensors.index.json", FileSum: sumOf("", 0), Mode: 0o600, Kind: Inline},
			{Path: "model.safetensors", FileSum: sumOf("m", size), Mode: 0o440, Kind: Safetensors, Header: exampleHeader},
			{Path: "onnx/model.onnx", FileSum: sumOf("o", 1<<40), Mode: 0o755, Kind: Copied},
			{Path: "other.safetensors", FileSum: sumOf("p", 5), Mode: 0o644, Kind: Copied},
		},
		Sums: sums,
	}
}

func TestSidecarReadsBack(t *testing.T) {
	s := exampleSidecar(t)
	text, err := s.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, SidecarName, string(text))
	back, err := ParseSidecar(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, back, cmpopts.IgnoreUnexported(SidecarFile{})); diff != "" {
		t.Error(diff)
	}
	if back.Files[3].StoredPath() != "onnx/model.onnx" || back.Files[4].StoredPath() != "original/other.safetensors" {
		t.Error("stored paths")
	}
	tensors := back.Files[2].Tensors()
	if len(tensors) != 2 || tensors[1].Elements() != 8 || tensors[1].Bytes() != nil || tensors[1].File() != "" || back.Files[0].Tensors() != nil {
		t.Errorf("tensors %v", tensors)
	}
}

func TestOpenContainerWithSidecar(t *testing.T) {
	open := func(t *testing.T, change func(*Sidecar)) (string, error) {
		dir := df11Folder(t, blockConfig, map[string][]Entry{"model.safetensors": unitBlock(t, "block.0")})
		s := exampleSidecar(t)
		change(s)
		text, err := s.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, SidecarName), text, 0o666); err != nil {
			t.Fatal(err)
		}
		d, err := OpenContainer(dir)
		if err != nil {
			return "", err
		}
		defer d.Close()
		if d.Sidecar == nil {
			t.Error("no sidecar")
		}
		return describeDF11(d), nil
	}
	have, err := open(t, func(*Sidecar) {})
	if err != nil {
		t.Fatal(err)
	}
	if want := "block.0 named=true: block.0.self_attn.q_proj.weight@0+4[1 4] block.0.mlp.up_proj.weight@4+8[8]; "; have != want {
		t.Errorf("have %s, want %s", have, want)
	}
	header := func(old, new string) func(*Sidecar) {
		return func(s *Sidecar) {
			f := &s.Files[2]
			f.Header = strings.Replace(f.Header, old, new, 1)
			f.Size = int64(8 + len(f.Header) + 24)
		}
	}
	otherBook := "sha256:" + strings.Repeat("0", 64)
	tests := []struct {
		name   string
		change func(*Sidecar)
		want   string
	}{
		{"unit not listed", func(s *Sidecar) { s.Units = nil }, `unit "block.0" of `},
		{"other unit", func(s *Sidecar) { s.Units[0].Name = "x" }, `unit "x" is missing: its file is model.safetensors`},
		{"file not listed", func(s *Sidecar) { s.Files = slices.Delete(s.Files, 2, 3) }, `tensor "block.0.self_attn.q_proj.weight" is in none of the original files`},
		{"another tensor listed", func(s *Sidecar) {
			header(`}} `, `},"lost":{"dtype":"U8","shape":[0],"data_offsets":[24,24]}}`)(s)
			s.Sums["lost"] = TensorSum{}
		}, `1 tensors of the original files are missing, "lost" first`},
		{"no sum of a stored tensor", func(s *Sidecar) { delete(s.Sums, "block.0.luts") }, `tensor "block.0.luts" of `},
		{"other book", func(s *Sidecar) { s.Units[0].Book = otherBook }, "code book " + otherBook + ", the checkpoint has sha256:"},
		{"tensor missing", func(s *Sidecar) {
			header("q_proj", "k_proj")(s)
			s.Sums["block.0.self_attn.k_proj.weight"] = TensorSum{}
		}, `tensor "block.0.self_attn.q_proj.weight" is in none of the original files`},
		{"other dtype", header("BF16", "F16"), "q_proj.weight\" is F16 [1 4], the checkpoint has 4 weights"},
		{"other size", func(s *Sidecar) {
			header(`[1,4],"data_offsets":[0,8]`, `[1,3],"data_offsets":[0,6]`)(s)
			header(`[8],"data_offsets":[8,24]`, `[9],"data_offsets":[6,24]`)(s)
		}, "is BF16 [1 3], the checkpoint has 4 weights"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := open(t, tt.change)
			wantError(t, err, SidecarName+": ", tt.want)
		})
	}
}

func TestSidecarRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Sidecar)
		want   string
	}{
		{"absolute path", func(s *Sidecar) { s.Files[3].Path = "/etc/passwd" }, "leaves the folder"},
		{"path upwards", func(s *Sidecar) { s.Files[3].Path = "a/../../b" }, "leaves the folder"},
		{"Windows path", func(s *Sidecar) { s.Files[3].Path = `a\b` }, "not a plain relative path"},
		{"path with zero byte", func(s *Sidecar) { s.Files[3].Path = "a\x00" }, "not a plain relative path"},
		{"no path", func(s *Sidecar) { s.Files[3].Path = "" }, "names no file"},
		{"long path", func(s *Sidecar) { s.Files[3].Path = strings.Repeat("a/", 2048) + "b" }, "path of 4097 bytes, max 4096"},
		{"folder", func(s *Sidecar) { s.Files[3].Path = "a/" }, "not in its shortest form"},
		{"folder of git", func(s *Sidecar) { s.Files[3].Path = ".git/config" }, "is left out of a model"},
		{"folder of git below", func(s *Sidecar) { s.Files[3].Path = "a/.Git/hooks/post-checkout" }, "is left out of a model"},
		{"folder of git on Windows", func(s *Sidecar) { s.Files[3].Path = ".git. /config" }, "is left out of a model"},
		{"mode", func(s *Sidecar) { s.Files[3].Mode = 0o4755 }, "mode 4755 has more than permission bits"},
		{"inline elsewhere", func(s *Sidecar) { s.Files[1].Path = "run.sh" }, "only config.json and an index are kept"},
		{"no sum of a tensor", func(s *Sidecar) { delete(s.Sums, "block.0.mlp.up_proj.weight") }, `tensor "block.0.mlp.up_proj.weight" has no sum`},
		{"unit without file", func(s *Sidecar) { s.Units[0].File = "" }, `"" is not the name of its file`},
		{"unit in a folder", func(s *Sidecar) { s.Units[0].File = "a/b.safetensors" }, "is not the name of its file"},
		{"path twice", func(s *Sidecar) { s.Files[4].Path = "onnx/model.onnx" }, `file "onnx/model.onnx" is listed twice`},
		{"path is a folder of another", func(s *Sidecar) { s.Files[4].Path = "onnx" }, `file "onnx/model.onnx" lies in "onnx", which is a file too`},
		{"path is a folder far up", func(s *Sidecar) {
			s.Files[4].Path = "a"
			s.Files[3].Path = "a/b/c/d"
			s.Files[1].Path = "a.safetensors.index.json"
		}, `file "a/b/c/d" lies in "a", which is a file too`},
		{"negative size", func(s *Sidecar) { s.Files[3].Size = -1 }, "size -1"},
		{"hash short", func(s *Sidecar) { s.Files[3].XXH128 = "ab" }, `xxh128 "ab" is malformed`},
		{"hash upper case", func(s *Sidecar) { s.Files[3].XXH128 = strings.Repeat("A", 32) }, "is malformed"},
		{"kind", func(s *Sidecar) { s.Files[3].Kind = "linked" }, `kind "linked" is unknown`},
		{"copied with text", func(s *Sidecar) { s.Files[3].Text = "x" }, `kind "copied" does not go with`},
		{"inline with header", func(s *Sidecar) { s.Files[0].Header = "{}" }, `kind "inline" does not go with`},
		{"text changed", func(s *Sidecar) { s.Files[0].Text = "another text!" }, "text has 13 bytes with xxh128 "},
		{"text of another size", func(s *Sidecar) { s.Files[0].Size++ }, ", the file 14 bytes with xxh128 "},
		{"header broken", func(s *Sidecar) { s.Files[2].Header = "{" }, "unexpected EOF"},
		{"header not UTF-8", func(s *Sidecar) { s.Files[2].Header = "{\"\xff\":1}" }, "not valid UTF-8"},
		{"header of another file", func(s *Sidecar) { s.Files[2].Size++ }, "data of 24 do not make a file of"},
		{"header larger than the file", func(s *Sidecar) { s.Files[2].Size = 3 }, "do not make a file of 3"},
		{"header of 2^64 bytes", func(s *Sidecar) {
			f := &s.Files[2]
			f.Header = `{"a":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,18446744073709551615]}}`
			f.Size = int64(8 + len(f.Header) - 1)
		}, "more than 2^64-1 bits"},
		{"tensor in two files", func(s *Sidecar) { f := s.Files[2]; f.Path = "again"; s.Files = append(s.Files, f) }, `is in "model.safetensors" too`},
		{"unit twice", func(s *Sidecar) { s.Units = append(s.Units, s.Units[0]) }, `unit "block.0" is named twice`},
		{"unit without name", func(s *Sidecar) { s.Units[0].Name = "" }, `unit "" is named twice or not at all`},
		{"fingerprint", func(s *Sidecar) { s.Units[0].Book = "x" }, "is not the fingerprint"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := exampleSidecar(t)
			tt.change(s)
			_, err := s.Marshal()
			wantError(t, err, "model: bespoke.json: ", tt.want)
		})
	}
}

func TestParseSidecarRefuses(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"no JSON", `x`, "invalid character"},
		{"no version", `{}`, "version 0, only version 3"},
		{"earlier version", `{"version":1,"old":1}`, "version 1, only version 3 is supported"},
		{"later version", `{"version":4,"new":1}`, "version 4, only version 3"},
		{"not UTF-8", "{\"version\":3,\"files\":[{\"path\":\"\xff\"}]}", "not valid UTF-8 at byte 31"},
		{"unknown field", `{"version":3,"new":1}`, `unknown field "new"`},
		{"unknown field of a file", `{"version":3,"files":[{"path":"a","stored":"b"}]}`, `unknown field "stored"`},
		{"mode", `{"version":3,"files":[{"path":"a","mode":"10777"}]}`, `mode "10777" is not 4 octal digits`},
		{"no mode", `{"version":3,"files":[{"path":"a"}]}`, `file "a" has no mode`},
		{"null mode", `{"version":3,"files":[{"path":"a","mode":null}]}`, `file "a" has no mode`},
		{"sum", `{"version":3,"sums":{"a":"xyz"}}`, `sum "xyz" is not 32 lower-case hexadecimal digits`},
		{"no sum", `{"version":3}`, "its last member is no sum"},
		{"size beyond 63 bits", `{"version":3,"files":[{"size":9223372036854775808}]}`, "size: unexpected number"},
		{"text behind", `{"version":3}{}`, "after top-level value"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseSidecar([]byte(tt.text))
			wantError(t, err, tt.want)
			dir := df11Folder(t, blockConfig, map[string][]Entry{"model.safetensors": unitBlock(t, "block.0")})
			if err := os.WriteFile(filepath.Join(dir, SidecarName), []byte(tt.text), 0o666); err != nil {
				t.Fatal(err)
			}
			_, err = OpenContainer(dir)
			wantError(t, err, fmt.Sprintf("model: %s: ", filepath.Join(dir, SidecarName)), tt.want)
		})
	}
}
