package model

import (
	"math/bits"
	"strings"
)

// shapeRules gives the shape of a weight by the end of its module's path, in sizes that shapeSizes
// derives from config.json. The first rule that fits counts.
var shapeRules = []struct {
	module     string
	rows, cols string
}{
	{"embed_tokens", "vocab", "hidden"},
	{"lm_head", "vocab", "hidden"},
	{"self_attn.q_proj", "queries", "hidden"},
	{"self_attn.k_proj", "keys", "hidden"},
	{"self_attn.v_proj", "keys", "hidden"},
	{"self_attn.o_proj", "hidden", "queries"},
	{"self_attn.qkv_proj", "queries+2keys", "hidden"},
	{"self_attn.dense", "hidden", "queries"},
	{"mlp.shared_expert.gate_proj", "shared", "hidden"},
	{"mlp.shared_expert.up_proj", "shared", "hidden"},
	{"mlp.shared_expert.down_proj", "hidden", "shared"},
	{"mlp.gate_proj", "inner", "hidden"},
	{"mlp.up_proj", "inner", "hidden"},
	{"mlp.down_proj", "hidden", "inner"},
	{"mlp.experts.*.gate_proj", "expert", "hidden"},
	{"mlp.experts.*.up_proj", "expert", "hidden"},
	{"mlp.experts.*.down_proj", "hidden", "expert"},
	{"block_sparse_moe.experts.*.w1", "inner", "hidden"},
	{"block_sparse_moe.experts.*.w2", "hidden", "inner"},
	{"block_sparse_moe.experts.*.w3", "inner", "hidden"},
	{"mlp.gate_up_proj", "2inner", "hidden"},
	{"mlp.fc1", "inner", "hidden"},
	{"mlp.fc2", "hidden", "inner"},
	{"embed_in", "vocab", "hidden"},
	{"embed_out", "vocab", "hidden"},
	{"attention.query_key_value", "3hidden", "hidden"},
	{"attention.dense", "hidden", "hidden"},
	{"mlp.dense_h_to_4h", "inner", "hidden"},
	{"mlp.dense_4h_to_h", "hidden", "inner"},
	{"embeddings.word_embeddings", "vocab", "hidden"},
	{"embeddings.position_embeddings", "positions", "hidden"},
	{"attention.self.query", "hidden", "hidden"},
	{"attention.self.key", "hidden", "hidden"},
	{"attention.self.value", "hidden", "hidden"},
	{"attention.output.dense", "hidden", "hidden"},
	{"attention.attn.q", "hidden", "hidden"},
	{"attention.attn.k", "hidden", "hidden"},
	{"attention.attn.v", "hidden", "hidden"},
	{"attention.attn.o", "hidden", "hidden"},
	{"intermediate.dense", "inner", "hidden"},
	{"output.dense", "hidden", "inner"},
	{"pooler.dense", "hidden", "hidden"},
	{"attention.q_lin", "hidden", "hidden"},
	{"attention.k_lin", "hidden", "hidden"},
	{"attention.v_lin", "hidden", "hidden"},
	{"attention.out_lin", "hidden", "hidden"},
	{"ffn.lin1", "inner", "hidden"},
	{"ffn.lin2", "hidden", "inner"},
	{"wte", "vocab", "hidden"},
	{"wpe", "positions", "hidden"},
}

// foreignTowers are parts of multimodal models whose sizes are not those of the language model.
var foreignTowers = []string{"vision", "visual", "audio", "image"}

// shapeOf returns the shape of a weight as config.json implies it, nil where it does not, or where
// the sizes there do not give that number of elements.
func shapeOf(c *Config, tensor string, count uint64) []uint64 {
	module, ok := strings.CutSuffix(tensor, weightSuffix)
	if c == nil || !ok {
		return nil
	}
	for _, tower := range foreignTowers {
		if strings.Contains(module, tower) {
			return nil
		}
	}
	parts := strings.Split(module, ".")
	for _, rule := range shapeRules {
		if !endsWith(parts, strings.Split(rule.module, ".")) {
			continue
		}
		sizes := shapeSizes(c)
		shape := []uint64{sizes[rule.rows], sizes[rule.cols]}
		if n, err := elements(shape); err != nil || n != count || n == 0 {
			return nil
		}
		return shape
	}
	return nil
}

// endsWith reports whether the path ends with these parts, "*" standing for any.
func endsWith(path, parts []string) bool {
	if len(path) < len(parts) {
		return false
	}
	for i, part := range path[len(path)-len(parts):] {
		if parts[i] != "*" && part != parts[i] {
			return false
		}
	}
	return true
}

// shapeSizes derives the sizes that shapeRules speak of. A size that config.json does not give, or
// that overflows, is 0.
func shapeSizes(c *Config) map[string]uint64 {
	first := func(names ...string) uint64 {
		for _, name := range names {
			if v := c.Sizes[name]; v != 0 {
				return v
			}
		}
		return 0
	}
	hidden := first("hidden_size", "dim", "n_embd")
	inner := first("intermediate_size", "hidden_dim", "n_inner")
	heads := first("num_attention_heads", "n_heads", "n_head")
	keyHeads := first("num_key_value_heads")
	if keyHeads == 0 {
		keyHeads = heads
	}
	width := first("head_dim")
	if width == 0 && heads != 0 {
		width = hidden / heads
	}
	queries, keys := product(heads, width), product(keyHeads, width)
	expert := first("moe_intermediate_size")
	if expert == 0 {
		expert = inner
	}
	return map[string]uint64{
		"vocab":         first("vocab_size"),
		"positions":     first("max_position_embeddings", "n_positions"),
		"hidden":        hidden,
		"3hidden":       product(3, hidden),
		"inner":         inner,
		"2inner":        product(2, inner),
		"expert":        expert,
		"shared":        first("shared_expert_intermediate_size"),
		"queries":       queries,
		"keys":          keys,
		"queries+2keys": sum(queries, product(2, keys)),
	}
}

// product multiplies, 0 on overflow.
func product(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	if hi != 0 {
		return 0
	}
	return lo
}

// sum adds, 0 on overflow.
func sum(a, b uint64) uint64 {
	s, carry := bits.Add64(a, b, 0)
	if carry != 0 {
		return 0
	}
	return s
}
