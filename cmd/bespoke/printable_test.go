package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/seed54244801/bespoke/model"
)

// foul is text that a terminal would obey, that hides other text, or that breaks a line.
const foul = "\x1b[31mred\u009b2J\u202e\u2028\x7f\a\r\n"

// checkPrintable fails if text would do more to a terminal than show letters on lines.
func checkPrintable(t *testing.T, what string, text []byte) {
	t.Helper()
	for i, r := range string(text) {
		if r == utf8.RuneError || !unicode.IsPrint(r) && r != '\n' && r != '\t' {
			t.Errorf("%s has %q at byte %d: %.120q", what, r, i, text[max(i-60, 0):])
			return
		}
	}
}

// foulModel writes a model whose folder, tensors and files have foul names.
func foulModel(t *testing.T, dir string) {
	t.Helper()
	weights := make([]byte, 2*128*64)
	for i := range 128 * 64 {
		bits := math.Float32bits(float32(math.Sin(float64(i))))
		weights[2*i], weights[2*i+1] = byte(bits>>16), byte(bits>>24)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	err := model.WriteFile(filepath.Join(dir, "model.safetensors"), []model.Entry{
		model.BytesEntry(foul+".weight", model.BF16, []uint64{128, 64}, weights),
		model.BytesEntry("b"+foul+".bias", model.BF16, []uint64{64}, weights[:128]),
		model.BytesEntry("c"+foul+".ids", model.I64, []uint64{1}, weights[:8]),
	}, map[string]string{"format": foul})
	if err != nil {
		t.Fatal(err)
	}
}

// TestPrintable runs every command on names of the worst kind: what it prints can be shown.
func TestPrintable(t *testing.T) {
	t.Setenv("BESPOKE_DECODER", "generic")
	dir := filepath.Join(t.TempDir(), "m"+foul)
	foulModel(t, dir)
	name, err := json.Marshal("h" + foul)
	if err != nil {
		t.Fatal(err)
	}
	histogram := filepath.Join(t.TempDir(), "h"+foul+".json")
	text := fmt.Sprintf(`{"model": %s, "units": [{"name": %s, "histogram": {"118": 70, "119": 30}}, {"name": "b", "histogram": {"3": 4}}]}`, name, name)
	if err := os.WriteFile(histogram, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	picture := filepath.Join(t.TempDir(), "x"+foul+".svg")
	df11, out := dir+"-df11", func(name string) string { return filepath.Join(t.TempDir(), name) }
	other := filepath.Join(t.TempDir(), "other"+foul)
	foulModel(t, other)
	weights, err := os.ReadFile(filepath.Join(other, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	weights[len(weights)-9]++
	if err := os.WriteFile(filepath.Join(other, "model.safetensors"), weights, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"inspect", dir},
		{"inspect", dir, "--json"},
		{"inspect", histogram},
		{"inspect", histogram, "--json"},
		{"inspect", histogram, "--plot", picture},
		{"inspect", dir, "--pattern", histogram},
		{"compress", dir, "-o", df11},
		{"compress", dir, "-o", out("x" + foul), "--json"},
		{"compress", dir, "-o", df11},
		{"compress", df11, "-o", out("x")},
		{"inspect", df11},
		{"inspect", df11, "--json"},
		{"verify", dir, df11},
		{"verify", other, df11},
		{"verify", other, df11, "--json"},
		{"decompress", df11, "-o", out("x" + foul)},
		{"decompress", df11, "-o", out("x" + foul), "--json"},
		{"decompress", filepath.Join(df11, foul+".safetensors"), "-o", out("x"), "--pattern", histogram},
		{"convert", dir, "-o", out("x" + foul), "--to", "bf16"},
		{"convert", dir, "-o", out("x" + foul), "--to", "bf16", "--json"},
		{"generate", dir, "-o", out("pkg"), "--no-cuda", "--name", "named", "--explain"},
		{"generate", dir, "-o", out("pkg"), "--no-cuda"},
		{"generate", dir, "-o", out("x" + foul), "--no-cuda"},
		{"generate", dir, "-o", out(foul) + "/pkg", "--no-cuda", "--name", "named"},
		{"generate", dir, "-o", out("pkg"), "--cuda", foul},
		{"generate", histogram, "-o", out("pkg"), "--no-cuda", "--name", foul},
		{"generate", histogram, "-o", out("pkg"), "--no-cuda", "--name", "named"},
		{"bench", df11, "--time", "1ns", "--threads", "1"},
		{"bench", df11, "--time", "1ns", "--threads", "1", "--json"},
		{"bench", df11, "--decoder", foul},
		{"devices", "--json"},
		{foul},
		{"help", foul},
		{"help", "a\u009bb\u202ec"},
		{"inspect", "--" + foul},
		{"inspect", foul},
		{"inspect", dir, "--json=" + foul},
		{"compress", dir, "-o", out("x"), "--codebook", foul},
		{"completion", foul},
		{"__complete", "inspect", foul},
		{"__complete", "--" + foul},
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), args, &stdout, &stderr)
		line := strings.Join(args, " ")
		checkPrintable(t, fmt.Sprintf("stdout of %q", line), stdout.Bytes())
		checkPrintable(t, fmt.Sprintf("stderr of %q", line), stderr.Bytes())
		if code != 0 && strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("%q: exit code %d and %d lines: %q", line, code, strings.Count(stderr.String(), "\n"), stderr.String())
		}
		if code == 0 && args[len(args)-1] == "--json" && !json.Valid(stdout.Bytes()) {
			t.Errorf("%q prints no JSON", line)
		}
		t.Logf("%d %q\n%s%s", code, line, &stdout, &stderr)
	}

	if drawn, err := os.ReadFile(picture); err != nil {
		t.Error(err)
	} else {
		checkPrintable(t, "the picture", drawn)
	}

	// The JSON forms mean what they did: the escapes are those of JSON.
	var stdout, stderr bytes.Buffer
	var report struct{ Units []struct{ Tensors []string } }
	if code := run(t.Context(), []string{"inspect", dir, "--json"}, &stdout, &stderr); code != 0 {
		t.Fatal(stderr.String())
	}
	if err := json.Unmarshal(stdout.Bytes(), &report); err != nil || len(report.Units) != 1 || report.Units[0].Tensors[0] != foul+".weight" {
		t.Errorf("read %q, %v", report, err)
	}
}
