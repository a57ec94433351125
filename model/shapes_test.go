package model

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestShapesReference compares the shapes with those of the original checkpoint.
func TestShapesReference(t *testing.T) {
	c, err := Open(tinyBF16)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	d, err := OpenContainer(tinyDF11)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, u := range d.Units {
		for _, x := range u.Tensors {
			if diff := cmp.Diff(c.Tensor(x.Name).Shape, x.Shape); diff != "" {
				t.Errorf("%s: %s", x.Name, diff)
			}
		}
	}
}

func TestShapeOf(t *testing.T) {
	const llama = `{"hidden_size":64,"intermediate_size":176,"num_attention_heads":4,"num_key_value_heads":2,"vocab_size":512}`
	const bert = `{"hidden_size":64,"intermediate_size":128,"num_attention_heads":4,"vocab_size":100,"max_position_embeddings":32}`
	const huge = `{"hidden_size":9223372036854775808,"intermediate_size":9223372036854775808,"num_attention_heads":9223372036854775808,"head_dim":4,"vocab_size":2}`
	tests := []struct {
		config, tensor string
		count          uint64
		want           []uint64
	}{
		{llama, "model.embed_tokens.weight", 512 * 64, []uint64{512, 64}},
		{llama, "language_model.lm_head.weight", 512 * 64, []uint64{512, 64}},
		{llama, "model.layers.3.self_attn.q_proj.weight", 64 * 64, []uint64{64, 64}},
		{llama, "model.layers.3.self_attn.k_proj.weight", 32 * 64, []uint64{32, 64}},
		{llama, "model.layers.3.self_attn.qkv_proj.weight", 128 * 64, []uint64{128, 64}},
		{llama, "model.layers.3.mlp.gate_up_proj.weight", 352 * 64, []uint64{352, 64}},
		{llama, "model.layers.3.mlp.down_proj.weight", 176 * 64, []uint64{64, 176}},
		{llama, "model.layers.3.mlp.experts.7.down_proj.weight", 176 * 64, []uint64{64, 176}},
		{llama, "model.layers.3.mlp.down_proj.weight", 177 * 64, nil},
		{llama, "model.layers.3.mlp.shared_expert.up_proj.weight", 0, nil},
		{llama, "model.layers.3.mlp.other.weight", 64, nil},
		{llama, "model.layers.3.mlp.down_proj.bias", 176 * 64, nil},
		{llama, "vision_tower.layers.3.self_attn.q_proj.weight", 64 * 64, nil},
		{llama, "down_proj.weight", 64 * 176, nil},
		{`{}`, "model.embed_tokens.weight", 0, nil},
		{`{"hidden_size":64,"head_dim":32,"num_attention_heads":4}`, "m.self_attn.o_proj.weight", 64 * 128, []uint64{64, 128}},
		{`{"hidden_size":8,"moe_intermediate_size":2,"intermediate_size":4}`, "m.mlp.experts.0.up_proj.weight", 16, []uint64{2, 8}},
		{bert, "bert.embeddings.word_embeddings.weight", 6400, []uint64{100, 64}},
		{bert, "embeddings.position_embeddings.weight", 2048, []uint64{32, 64}},
		{bert, "encoder.layer.0.attention.output.dense.weight", 4096, []uint64{64, 64}},
		{bert, "encoder.layer.0.output.dense.weight", 8192, []uint64{64, 128}},
		{bert, "encoder.layer.0.intermediate.dense.weight", 8192, []uint64{128, 64}},
		{huge, "model.embed_tokens.weight", 0, nil},
		{huge, "model.layers.0.self_attn.q_proj.weight", 0, nil},
		{huge, "model.layers.0.self_attn.qkv_proj.weight", 0, nil},
	}
	for _, tt := range tests {
		c, err := ParseConfig([]byte(tt.config))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, shapeOf(c, tt.tensor, tt.count)); diff != "" {
			t.Errorf("%s of %d: %s", tt.tensor, tt.count, diff)
		}
	}
	if shapeOf(nil, "lm_head.weight", 1) != nil {
		t.Error("a shape without configuration")
	}
}
