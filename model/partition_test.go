package model

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// partitionInput describes a checkpoint by lines of "NAME [DTYPE] SHAPE"; "{a,b}" and "{0..2}" in a name
// stand for several.
func partitionInput(t *testing.T, config, lines string) *Checkpoint {
	t.Helper()
	c := &Checkpoint{}
	if config != "" {
		parsed, err := ParseConfig([]byte(config))
		if err != nil {
			t.Fatal(err)
		}
		c.Config = parsed
	}
	for line := range strings.Lines(lines) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		dtype := BF16
		if len(words) == 3 {
			dtype = DType(words[1])
		}
		var shape []uint64
		for _, d := range strings.Split(words[len(words)-1], "x") {
			var n uint64
			if _, err := fmt.Sscan(d, &n); err != nil {
				t.Fatal(err)
			}
			shape = append(shape, n)
		}
		for _, name := range expandBraces(words[0]) {
			c.Tensors = append(c.Tensors, &Tensor{Name: name, DType: dtype, Shape: shape})
		}
	}
	return c
}

// expandBraces expands every "{…}" in a name.
func expandBraces(name string) (names []string) {
	before, rest, found := strings.Cut(name, "{")
	if !found {
		return []string{name}
	}
	list, after, _ := strings.Cut(rest, "}")
	items := strings.Split(list, ",")
	var from, to int
	if n, _ := fmt.Sscanf(list, "%d..%d", &from, &to); n == 2 {
		items = nil
		for i := from; i <= to; i++ {
			items = append(items, fmt.Sprint(i))
		}
	}
	for _, item := range items {
		names = append(names, expandBraces(before+item+after)...)
	}
	return names
}

// describePartition writes a partition as text.
func describePartition(t *testing.T, p *Partition) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "source %s\n", p.Source)
	for _, u := range p.Units {
		fmt.Fprintf(&b, "unit %s: %d weights, attrs %v\n", u.Name, u.Elements(), u.Attrs)
		for i, x := range u.Tensors {
			want := u.Name + ".weight"
			if len(u.Attrs) > 0 {
				want = u.Name + "." + u.Attrs[i] + ".weight"
			}
			if x.Name != want {
				t.Errorf("unit %s: tensor %d is %s, want %s", u.Name, i, x.Name, want)
			}
		}
	}
	for _, r := range p.Raw {
		fmt.Fprintf(&b, "raw %s: %s\n", r.Tensor.Name, r.Reason)
	}
	dict, err := p.PatternDict()
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range dict {
		fmt.Fprintf(&b, "pattern %s: %v\n", pattern.Regex, pattern.Attrs)
	}
	return b.String()
}

const llamaTensors = `
model.embed_tokens.weight 100x64
model.layers.{0..2}.self_attn.{q,k,v,o}_proj.weight 64x64
model.layers.{0..2}.mlp.{gate,up}_proj.weight 128x64
model.layers.{0..2}.mlp.down_proj.weight 64x128
model.layers.{0..2}.input_layernorm.weight 64
model.norm.weight 64
`

// TestPlanUnits covers each architecture and each reason for a tensor to stay raw.
func TestPlanUnits(t *testing.T) {
	tests := []struct {
		name, config, tensors string
		opts                  PartitionOptions
	}{
		{name: "llama", config: `{"architectures":["LlamaForCausalLM"]}`, tensors: llamaTensors + "lm_head.weight 100x64"},
		{name: "llama twelve layers", config: `{"model_type":"llama"}`, tensors: `
			model.layers.{0..11}.mlp.gate_proj.weight 64x64
			lm_head.weight 100x64`},
		{name: "llama tied", config: `{"architectures":["LlamaForCausalLM"],"tie_word_embeddings":true}`, tensors: llamaTensors},
		{name: "llama tied but coded", config: `{"architectures":["LlamaForCausalLM"],"tie_word_embeddings":true}`, tensors: llamaTensors, opts: PartitionOptions{CodeTied: true}},
		{name: "llama tied with head", config: `{"architectures":["LlamaForCausalLM"],"tie_word_embeddings":true}`, tensors: llamaTensors + "lm_head.weight 100x64"},
		{name: "llama base model", config: `{"architectures":["LlamaModel"]}`, tensors: strings.ReplaceAll(llamaTensors, "model.", "")},
		{name: "qwen3 embedding", config: `{"architectures":["Qwen3ForCausalLM"],"tie_word_embeddings":true}`, tensors: strings.ReplaceAll(llamaTensors, "model.", "")},
		{name: "mpnet", config: `{"architectures":["MPNetForMaskedLM"]}`, tensors: `
			embeddings.word_embeddings.weight 100x64
			encoder.layer.{0..1}.attention.attn.{q,k,v,o}.weight 64x64
			encoder.layer.{0..1}.{intermediate,output}.dense.weight 64x64
			encoder.relative_attention_bias.weight 32x12`},
		{name: "llama without config", tensors: llamaTensors + "lm_head.weight 100x64"},
		{name: "llama without config and head", tensors: llamaTensors},
		{name: "llama incomplete layer", config: `{"architectures":["LlamaForCausalLM"]}`, tensors: `
			model.embed_tokens.weight 100x64
			model.layers.{0,2}.self_attn.{q,k,v,o}_proj.weight 64x64
			model.layers.{0,2}.mlp.{gate,up,down}_proj.weight 64x64
			model.layers.1.self_attn.{q,k,v,o}_proj.weight 64x64
			model.layers.1.mlp.{gate,up}_proj.weight 64x64
			model.layers.1.mlp.down_proj.weight F32 64x64
			model.layers.3.self_attn.{q,k}_proj.weight 64x64
			lm_head.weight 100x64`},
		{name: "llama names unknown", config: `{"architectures":["LlamaForCausalLM"]}`, tensors: `
			tok_embeddings.weight 100x64
			output.weight 100x64
			layers.{0..1}.attention.{wq,wk}.weight 64x64`},
		{name: "qwen3", config: `{"architectures":["Qwen3ForCausalLM"]}`, tensors: llamaTensors + `
			model.layers.{0..2}.self_attn.{q,k}_norm.weight 16
			model.layers.{0..2}.self_attn.q_proj.bias 64
			lm_head.weight 100x64`},
		{name: "qwen3 moe", config: `{"architectures":["Qwen3MoeForCausalLM"]}`, tensors: `
			model.embed_tokens.weight 100x64
			model.layers.{0..1}.self_attn.{q,k,v,o}_proj.weight 64x64
			model.layers.0.mlp.experts.{0..1}.{gate,up,down}_proj.weight 32x64
			model.layers.0.mlp.gate.weight 2x64
			model.layers.1.mlp.{gate,up,down}_proj.weight 64x64
			lm_head.weight 100x64`},
		{name: "mixtral", config: `{"architectures":["MixtralForCausalLM"]}`, tensors: `
			model.layers.{0..1}.self_attn.{q,k,v,o}_proj.weight 64x64
			model.layers.{0..1}.block_sparse_moe.experts.{0..1}.w{1,2,3}.weight 32x64
			model.layers.{0..1}.block_sparse_moe.gate.weight 2x64`},
		{name: "gemma2", config: `{"architectures":["Gemma2ForCausalLM"]}`, tensors: llamaTensors},
		{name: "gemma3 multimodal", config: `{"architectures":["Gemma3ForConditionalGeneration"],"text_config":{"hidden_size":64}}`,
			tensors: strings.ReplaceAll(llamaTensors, "model.", "language_model.model.") + `
			language_model.lm_head.weight 100x64
			vision_tower.vision_model.encoder.layers.{0..1}.self_attn.q_proj.weight 64x64
			vision_tower.vision_model.embeddings.patch_embedding.weight 8x3x14x14`},
		{name: "gemma3 multimodal new layout", config: `{"architectures":["Gemma3ForConditionalGeneration"]}`,
			tensors: strings.ReplaceAll(llamaTensors, "model.", "model.language_model.")},
		{name: "phi3", config: `{"architectures":["Phi3ForCausalLM"]}`, tensors: `
			model.embed_tokens.weight 100x64
			model.layers.{0..1}.mlp.gate_up_proj.weight 256x64
			model.layers.{0..1}.mlp.down_proj.weight 64x128
			model.layers.{0..1}.self_attn.qkv_proj.weight 192x64
			model.layers.{0..1}.self_attn.o_proj.weight 64x64
			lm_head.weight 100x64`},
		{name: "bert", config: `{"architectures":["BertModel"]}`, tensors: bertTensors("")},
		{name: "bert masked", config: `{"architectures":["BertForMaskedLM"]}`, tensors: bertTensors("bert.") + `
			cls.predictions.bias 100
			cls.predictions.transform.dense.weight 64x64`},
		{name: "bert classifier", config: `{"architectures":["BertForSequenceClassification"]}`, tensors: bertTensors("bert.") + "classifier.weight 2x64"},
		{name: "distilbert", config: `{"architectures":["DistilBertModel"]}`, tensors: `
			embeddings.word_embeddings.weight 100x64
			transformer.layer.{0..1}.attention.{q,k,v,out}_lin.weight 64x64
			transformer.layer.{0..1}.ffn.lin{1,2}.weight 64x64`},
		{name: "roberta masked", config: `{"architectures":["RobertaForMaskedLM"]}`, tensors: strings.ReplaceAll(bertTensors("roberta."), "roberta.pooler", "lm_head")},
		{name: "phi", config: `{"architectures":["PhiForCausalLM"]}`, tensors: `
			model.embed_tokens.weight 100x64
			model.layers.{0..1}.self_attn.{q_proj,k_proj,v_proj,dense}.weight 64x64
			model.layers.{0..1}.mlp.fc{1,2}.weight 64x64
			lm_head.weight 100x64`},
		{name: "gpt_neox", config: `{"architectures":["GPTNeoXForCausalLM"]}`, tensors: `
			gpt_neox.embed_in.weight 100x64
			gpt_neox.layers.{0..1}.attention.{query_key_value,dense}.weight 64x64
			gpt_neox.layers.{0..1}.mlp.{dense_h_to_4h,dense_4h_to_h}.weight 64x64
			embed_out.weight 100x64`},
		{name: "wan", config: `{"_class_name":"WanTransformer3DModel"}`, tensors: `
			blocks.{0..1}.attn{1,2}.{to_q,to_k,to_v,to_out.0}.weight 64x64
			blocks.{0..1}.ffn.net.{0.proj,2}.weight 64x64`},
		{name: "gpt2", config: `{"architectures":["GPT2LMHeadModel"]}`, tensors: `
			transformer.wte.weight 100x64
			transformer.wpe.weight 100x64
			transformer.h.{0..1}.attn.c_attn.weight 64x192
			transformer.h.{0..1}.mlp.c_fc.weight 64x256`},
		{name: "flux", config: `{"_class_name":"FluxTransformer2DModel"}`, tensors: `
			transformer_blocks.{0..1}.norm1.linear.weight 64x64
			transformer_blocks.{0..1}.norm1_context.linear.weight 64x64
			transformer_blocks.{0..1}.attn.{to_q,to_k,to_v,add_k_proj,add_v_proj,add_q_proj,to_out.0,to_add_out}.weight 64x64
			transformer_blocks.{0..1}.{ff,ff_context}.net.{0.proj,2}.weight 64x64
			single_transformer_blocks.{0..1}.{norm.linear,proj_mlp,proj_out,attn.to_q,attn.to_k,attn.to_v}.weight 64x64
			x_embedder.weight 64x64`},
		{name: "flux single file", tensors: `
			model.diffusion_model.double_blocks.{0..1}.{img,txt}_{mod.lin,attn.qkv,attn.proj,mlp.0,mlp.2}.weight 64x64
			model.diffusion_model.single_blocks.{0..1}.{linear1,linear2,modulation.lin}.weight 64x64`},
		{name: "unknown", config: `{"architectures":["NewForCausalLM"]}`, tensors: `
			decoder.tok_embeddings.weight 100x64
			decoder.blocks.{0,1,10,2}.att.{q,k}.weight 64x64
			decoder.blocks.{0,1,10,2}.norm.weight 64
			decoder.blocks.2.extra.weight 64x64
			adapter.0.weight 64x64
			adapter.0.sub.weight 64x64
			head.weight 100x64`},
		{name: "unknown tied", config: `{"architectures":["NewForCausalLM"]}`, tensors: `
			decoder.tok_embeddings.weight 100x64
			decoder.blocks.{0..1}.att.{q,k}.weight 64x64`},
		{name: "sentence transformers", config: `{"architectures":["NewModel"]}`, tensors: `
			0.auto_model.emb.weight 100x64
			0.auto_model.layer.{0..1}.{a,b}.weight 64x64
			2.linear.weight 64x64`},
		{name: "override", config: `{"architectures":["LlamaForCausalLM"]}`, tensors: llamaTensors + "lm_head.weight 100x64",
			opts: PartitionOptions{Patterns: Patterns{{`model\.layers\.1`, []string{"mlp.up_proj", "none"}}, {`.*\.\d+`, []string{"mlp.down_proj"}}, {`.*`, nil}}}},
		{name: "reasons", config: `{"architectures":["NewModel"]}`, tensors: `
			f16.weight F16 64x64
			f8.weight F8_E4M3 64x64
			bias 64x64
			vector.weight 4096
			conv.weight 64x64x3
			empty.weight 0x64
			small.weight 31x33
			large.weight 1048576x2048
			.weight 64x64
			layers.0..x.weight 64x64
			just.weight 32x32`},
		{name: "too many for one unit", config: `{"architectures":["LlamaForCausalLM"]}`, tensors: `
			model.layers.{0..1}.self_attn.q_proj.weight 65536x16384
			model.layers.{0..1}.self_attn.k_proj.weight 65536x16383
			model.layers.{0..1}.self_attn.v_proj.weight 65536x1
			model.layers.{0..1}.self_attn.o_proj.weight 65536x16384
			lm_head.weight 100x64`},
		{name: "too many experts for one unit", config: `{"architectures":["NewModel"]}`, tensors: `
			net.layers.{0..1}.att.{q,k}.weight 64x64
			net.layers.{0..1}.mlp.experts.{0..1}.{a,b}.weight 65536x8192
			net.layers.{0..1}.mlp.0.weight 64x64`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := NewPartition(partitionInput(t, tt.config, tt.tensors), tt.opts)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "plans/"+strings.ReplaceAll(tt.name, " ", "_")+".txt", describePartition(t, p))
			if tt.name != "llama incomplete layer" && tt.name != "unknown" { // which have holes
				missesNothing(t, p, tt.config)
			}
		})
	}
}

// missesNothing holds that a checkpoint coded by the partition does not look as if units or layers were missing from it.
func missesNothing(t *testing.T, p *Partition, config string) {
	t.Helper()
	dict, err := p.PatternDict()
	if err != nil {
		t.Fatal(err)
	}
	m, err := dict.compile()
	if err != nil {
		t.Fatal(err)
	}
	d := &Container{patterns: m, byName: map[string]*Unit{}}
	if config != "" {
		if d.Config, err = ParseConfig([]byte(config)); err != nil {
			t.Fatal(err)
		}
	}
	f := finder{d: d, names: map[string]bool{}, found: map[string]bool{}}
	for _, u := range p.Units {
		unit := &Unit{Name: u.Name}
		d.Units, d.byName[u.Name] = append(d.Units, unit), unit
		for _, x := range u.Tensors {
			f.add(x.Name)
		}
	}
	for _, r := range p.Raw {
		f.add(r.Tensor.Name)
	}
	f.units()
	f.layers()
	if len(f.list) > 0 {
		t.Errorf("missing: %v", f.list)
	}
}

// bertTensors lists the tensors of a small BERT.
func bertTensors(root string) string {
	return strings.ReplaceAll(`
		ROOTembeddings.word_embeddings.weight 100x64
		ROOTembeddings.position_embeddings.weight 32x64
		ROOTembeddings.token_type_embeddings.weight 2x64
		ROOTencoder.layer.{0..1}.attention.self.{query,key,value}.weight 64x64
		ROOTencoder.layer.{0..1}.attention.output.dense.weight 64x64
		ROOTencoder.layer.{0..1}.intermediate.dense.weight 128x64
		ROOTencoder.layer.{0..1}.output.dense.weight 64x128
		ROOTpooler.dense.weight 64x64
`, "ROOT", root)
}

func TestPlanUnitsBadPattern(t *testing.T) {
	_, err := NewPartition(partitionInput(t, "", llamaTensors), PartitionOptions{Patterns: Patterns{{Regex: "("}}})
	wantError(t, err, `model: pattern "("`)
}

func TestPlanUnitsCompressed(t *testing.T) {
	c, err := Open(tinyDF11)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = NewPartition(c, PartitionOptions{})
	wantError(t, err, tinyDF11+" is compressed already: config.json has a dfloat11_config")
	_, err = NewPartition(partitionInput(t, "", "lm_head.luts U8 2x256"), PartitionOptions{})
	wantError(t, err, `tensor "lm_head.luts" has the name of a DF11 tensor`)
}

func TestPlanDrop(t *testing.T) {
	p, err := NewPartition(partitionInput(t, `{"model_type":"llama"}`, llamaTensors+"lm_head.weight 100x64"), PartitionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"model.layers.1.self_attn.q_proj.weight", "lm_head.weight", "model.layers.2.mlp.up_proj.weight", "model.layers.1.mlp.up_proj.weight"} {
		if err := p.Drop(map[string]string{name: "exponent 255"}); err != nil {
			t.Fatal(err)
		}
		wantError(t, p.Drop(map[string]string{name: ""}), "is in no unit")
	}
	golden(t, "plans/drop.txt", describePartition(t, p))
	order := slices.IsSortedFunc(p.Raw, func(a, b RawTensor) int { return p.order[a.Tensor.Name] - p.order[b.Tensor.Name] })
	if !order {
		t.Error("raw tensors are not in the order of the checkpoint")
	}
}

func TestPlanSplitPositions(t *testing.T) {
	p, err := NewPartition(partitionInput(t, `{"model_type":"llama"}`, llamaTensors+"lm_head.weight 100x64"), PartitionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]uint64{}, p.Units[0].SplitPositions()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]uint64{4096, 8192, 12288, 16384, 24576, 32768}, p.Units[1].SplitPositions()); diff != "" {
		t.Error(diff)
	}
}

// TestPatternDictMisread covers names that the published loader would confuse: after a pattern with
// attributes it matches the parent of the last attribute instead of the module.
func TestPatternDictMisread(t *testing.T) {
	input := partitionInput(t, "", `
		block.0.proj.0.weight 64x64
		proj.weight 64x64`)
	p, err := NewPartition(input, PartitionOptions{Patterns: Patterns{{`block\.\d+`, []string{"proj.0"}}, {"proj", nil}}})
	if err != nil {
		t.Fatal(err)
	}
	dict, err := p.PatternDict()
	if err != nil {
		t.Fatal(err)
	}
	if dict[0].Regex != "proj" {
		t.Errorf("%q comes first", dict[0].Regex)
	}
	p, err = NewPartition(partitionInput(t, "", `
		block.0.proj.0.weight 64x64
		proj.a.weight 64x64
		proj.block.0.weight 64x64`), PartitionOptions{Patterns: Patterns{{`block\.\d+`, []string{"proj.0"}}, {"proj", []string{"a", "block.0"}}}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.PatternDict()
	wantError(t, err, `unit "block.0": no pattern_dict`)
}
