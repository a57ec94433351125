package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/seed54244801/bespoke/internal/testenv"
	"github.com/seed54244801/bespoke/model"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata/script")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"bespoke": main})
}

// TestScript runs the scripts in testdata/script. Each finds a model in the folder model and the same, in
// the published form, in df11.
func TestScript(t *testing.T) {
	runScripts(t, "testdata/script", nil)
}

// runScripts runs the scripts in a folder, with further environment variables. In them [long] is for the long form.
func runScripts(t *testing.T, dir string, variables map[string]string) {
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			// The output must not depend on the machine.
			env.Setenv("BESPOKE_DECODER", "generic")
			env.Setenv("BESPOKE_LIBCUDA", "none")
			for name, value := range variables {
				env.Setenv(name, strings.ReplaceAll(value, "$WORK", env.WorkDir))
			}
			for to, from := range map[string]string{"model": "bf16", "df11": "df11"} {
				if err := os.CopyFS(filepath.Join(env.WorkDir, to), os.DirFS(filepath.Join("../../model/testdata/tiny-llama", from))); err != nil {
					return err
				}
			}
			return nil
		},
		Condition: func(condition string) (bool, error) {
			if condition != "long" {
				return false, fmt.Errorf("unknown condition %q", condition)
			}
			return testenv.Long(), nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"same":     scriptSame,
			"flip":     scriptFlip,
			"truncate": scriptTruncate,
			"floats":   scriptFloats,
			"copytree": scriptCopyTree,
			"edit":     scriptEdit,
		},
	})
}

// scriptSame compares two folders: same A B.
func scriptSame(ts *testscript.TestScript, neg bool, args []string) {
	read := func(dir string) string {
		var all strings.Builder
		ts.Check(filepath.WalkDir(ts.MkAbs(dir), func(path string, e os.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			rel, _ := filepath.Rel(ts.MkAbs(dir), path)
			all.WriteString(rel + "\x00" + string(data) + "\x00")
			return err
		}))
		return all.String()
	}
	if (read(args[0]) == read(args[1])) == neg {
		ts.Fatalf("%s and %s: same is %v", args[0], args[1], !neg)
	}
}

// scriptFlip flips the lowest bit of a byte of a tensor: flip FILE TENSOR BYTE.
func scriptFlip(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	f, err := model.OpenFile(path)
	ts.Check(err)
	begin := 8 + len(f.HeaderText()) + int(f.Tensor(args[1]).Begin)
	ts.Check(f.Close())
	i, err := strconv.Atoi(args[2])
	ts.Check(err)
	data, err := os.ReadFile(path)
	ts.Check(err)
	data[begin+i] ^= 1
	ts.Check(os.WriteFile(path, data, 0o666))
}

// scriptTruncate cuts a file short: truncate FILE BYTES.
func scriptTruncate(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), n))
}

// scriptFloats writes a model in F32: floats DIR.
func scriptFloats(ts *testscript.TestScript, _ bool, args []string) {
	var data []byte
	for i := range 8192 {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(math.Sin(float64(i)))))
	}
	ts.Check(os.MkdirAll(ts.MkAbs(args[0]), 0o777))
	ts.Check(model.WriteFile(filepath.Join(ts.MkAbs(args[0]), "model.safetensors"), []model.Entry{
		model.BytesEntry("net.0.weight", model.F32, []uint64{128, 64}, data),
		model.BytesEntry("net.0.bias", model.F32, []uint64{4}, []byte("\x00\x00\x80\x7f\x00\x00\xc0\x7f\xff\xff\x7f\x7f\x01\x00\x00\x00")),
		model.BytesEntry("ids", model.I64, []uint64{1}, make([]byte, 8)),
	}, nil))
}

// scriptCopyTree copies a folder: copytree FROM TO.
func scriptCopyTree(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.CopyFS(ts.MkAbs(args[1]), os.DirFS(ts.MkAbs(args[0]))))
}

// scriptEdit replaces a text in a file, once: edit FILE OLD NEW.
func scriptEdit(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s lacks %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o666))
}

// A cancelled context ends a command with one line and leaves nothing behind.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	out := filepath.Join(t.TempDir(), "out")
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"compress", "../../model/testdata/tiny-llama/bf16", "-o", out}, &stdout, &stderr)
	if code != 130 || stdout.Len() > 0 || stderr.String() != "bespoke: interrupted, nothing was written\n" {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, &stdout, &stderr)
	}
	if _, err := os.Lstat(out); err == nil {
		t.Error("the output is there")
	}
}
