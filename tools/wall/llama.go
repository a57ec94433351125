//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/seed54244801/bespoke/model"
)

// config is that of a Llama of 1.1 thousand million weights.
const config = `{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "bfloat16"}
`

// makeLlama writes a model of layers layers to dir. It has the shapes of a Llama and normal weights, with another
// standard deviation in each tensor. With 16 layers it takes 2 GiB.
func makeLlama(dir string, layers int) error {
	const hidden, inner, keys, words = 2048, 8192, 512, 32000
	noise := make([]float32, 1<<20)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = float32(r.NormFloat64())
	}
	var entries []model.Entry
	add := func(name string, shape ...uint64) {
		deviation := float32(0.02 * math.Exp(0.35*r.NormFloat64()))
		entries = append(entries, model.Entry{Name: name + ".weight", DType: model.BF16, Shape: shape, Write: func(w io.Writer) error {
			return writeRows(w, shape, deviation, noise)
		}})
	}
	add("model.embed_tokens", words, hidden)
	for l := range layers {
		p := fmt.Sprintf("model.layers.%d.", l)
		add(p+"input_layernorm", hidden)
		add(p+"self_attn.q_proj", hidden, hidden)
		add(p+"self_attn.k_proj", keys, hidden)
		add(p+"self_attn.v_proj", keys, hidden)
		add(p+"self_attn.o_proj", hidden, hidden)
		add(p+"post_attention_layernorm", hidden)
		add(p+"mlp.gate_proj", inner, hidden)
		add(p+"mlp.up_proj", inner, hidden)
		add(p+"mlp.down_proj", hidden, inner)
	}
	add("model.norm", hidden)
	add("lm_head", words, hidden)
	model.SortEntries(entries)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	if err := model.WriteFile(filepath.Join(dir, "model.safetensors"), entries, nil); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o666)
}

// writeRows writes a tensor row by row. Each row is taken from another place in the noise.
func writeRows(w io.Writer, shape []uint64, deviation float32, noise []float32) error {
	rows, columns := 1, int(shape[len(shape)-1])
	if len(shape) > 1 {
		rows = int(shape[0])
	}
	r := rand.New(rand.NewPCG(uint64(math.Float32bits(deviation)), 3))
	row := make([]byte, 0, 2*columns)
	for range rows {
		row = row[:0]
		from := r.IntN(len(noise) - columns + 1)
		for _, x := range noise[from : from+columns] {
			row = binary.LittleEndian.AppendUint16(row, uint16(math.Float32bits(deviation*x)>>16))
		}
		if _, err := w.Write(row); err != nil {
			return err
		}
	}
	return nil
}
