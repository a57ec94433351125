package model

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestLinear does the work for n tensors and for twice as many, which must not take more than 2.5 times as long. What is
// compared is the shortest of several runs in turns; a machine that is busy with something else gets more tries. Where
// time grows with the square of n, it would be four times in each.
func TestLinear(t *testing.T) {
	experts := func(n int) *Checkpoint {
		c := &Checkpoint{Config: &Config{Architectures: []string{"Qwen3MoeForCausalLM"}}}
		for i := range n {
			c.Tensors = append(c.Tensors, &Tensor{Name: fmt.Sprintf("model.layers.%d.mlp.experts.%d.up_proj.weight", i/256, i%256), DType: BF16, Shape: []uint64{64, 64}})
		}
		return c
	}
	named := func(n int) *Checkpoint {
		c := &Checkpoint{}
		for i := range n {
			c.Tensors = append(c.Tensors, &Tensor{Name: fmt.Sprintf("module%d.weight", i), DType: BF16, Shape: []uint64{64, 64}})
		}
		return c
	}
	tests := []struct {
		name string
		n    int
		make func(n int) func() error
	}{
		{"header", 4000, func(n int) func() error {
			var b strings.Builder
			b.WriteByte('{')
			for i := range n {
				fmt.Fprintf(&b, `"tensor.%d":{"dtype":"U8","shape":[1],"data_offsets":[%d,%d]},`, i, i, i+1)
			}
			text := []byte(strings.TrimSuffix(b.String(), ",") + "}")
			return func() error { _, err := ParseHeader(text, uint64(n)); return err }
		}},
		{"units", 2000, func(n int) func() error {
			c := experts(n)
			return func() error { _, err := NewPartition(c, PartitionOptions{}); return err }
		}},
		{"drop", 4000, func(n int) func() error {
			c := named(n)
			return func() error {
				p, err := NewPartition(c, PartitionOptions{})
				if err != nil {
					return err
				}
				reasons := map[string]string{}
				for _, x := range c.Tensors {
					reasons[x.Name] = "too small"
				}
				return p.Drop(reasons)
			}
		}},
		{"pattern_dict of names", 4000, func(n int) func() error {
			c := named(n)
			return func() error {
				p, err := NewPartition(c, PartitionOptions{})
				if err == nil {
					_, err = p.PatternDict()
				}
				return err
			}
		}},
		{"pattern_dict of odd layers", 2000, func(n int) func() error {
			c := &Checkpoint{}
			for i := range n { // each layer has another weight
				c.Tensors = append(c.Tensors, &Tensor{Name: fmt.Sprintf("net.%d.a%d.weight", i, i), DType: BF16, Shape: []uint64{64, 64}})
			}
			return func() error {
				p, err := NewPartition(c, PartitionOptions{})
				if err == nil {
					_, err = p.PatternDict()
				}
				return err
			}
		}},
		{"missing", 4000, func(n int) func() error {
			names := make([]string, 0, n)
			for _, x := range experts(n).Tensors {
				names = append(names, x.Name)
			}
			return func() error {
				f := newFinder(&Container{})
				for _, name := range names {
					f.add(name)
				}
				f.layers()
				return nil
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			once, twice := tt.make(tt.n), tt.make(2*tt.n)
			const most = 2.5
			ratio := 0.0
			for range 20 {
				short, long := time.Duration(1<<62), time.Duration(1<<62)
				for range 5 {
					short, long = min(short, took(t, once)), min(long, took(t, twice))
				}
				if ratio = float64(long) / float64(short); ratio <= most {
					return
				}
			}
			t.Errorf("twice the tensors take %.1f times as long, want at most %.1f", ratio, most)
		})
	}
}

func took(t *testing.T, work func() error) time.Duration {
	start := time.Now()
	if err := work(); err != nil {
		t.Fatal(err)
	}
	return time.Since(start)
}
