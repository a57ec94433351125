package model

// The units of the common architectures. The patterns of Llama, with the many that share its module
// names, and of FLUX are those of the published checkpoints. The others follow the same scheme: the
// Linear modules of a layer in the order in which the layer uses them.
//
// Not every 2-D weight is that of a Linear or an Embedding, and the published loader can put back no
// other: the Conv1D weights of GPT-2 and the fused experts of newer mixture models stay out.

// decoderRoots are the places at which a language model lies in its own checkpoint, in the two
// layouts of a multimodal one, and in that of a model without head.
var decoderRoots = []string{"model.", "language_model.model.", "model.language_model.", ""}

var attention = []string{"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"}

var gatedMLP = []string{"gate_proj", "up_proj", "down_proj"}

// decoder returns the patterns of a decoder with these attributes in a layer.
func decoder(attrs ...string) Patterns {
	return Patterns{
		{`{root}embed_tokens`, nil},
		{`{root}layers\.\d+`, attrs},
		{`{head}lm_head`, nil},
	}
}

var gatedDecoder = []string{
	"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
	"mlp.gate_proj", "mlp.up_proj", "mlp.down_proj",
}

// bertLayer is a layer of BERT and its descendants.
var bertLayer = []string{
	"attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
	"intermediate.dense", "output.dense",
}

var families = []family{
	{
		name: "llama",
		classes: []string{
			"LlamaForCausalLM", "LlamaModel", "LlamaForSequenceClassification", "MistralForCausalLM", "MistralModel",
			"MinistralForCausalLM", "Qwen2ForCausalLM", "Qwen2Model", "Qwen3ForCausalLM", "Qwen3Model",
			"SmolLM3ForCausalLM", "OlmoForCausalLM", "Olmo2ForCausalLM", "GraniteForCausalLM", "StableLmForCausalLM",
			"HeliumForCausalLM", "SeedOssForCausalLM",
			"LlavaForConditionalGeneration", "LlavaNextForConditionalGeneration", "Mistral3ForConditionalGeneration",
			"Qwen2VLForConditionalGeneration", "Qwen2_5_VLForConditionalGeneration", "Qwen3VLForConditionalGeneration",
		},
		types: []string{
			"llama", "mistral", "ministral", "qwen2", "qwen3", "smollm3", "olmo", "olmo2", "granite", "stablelm",
			"helium", "seed_oss", "llava", "llava_next", "mistral3", "qwen2_vl", "qwen2_5_vl", "qwen3_vl",
		},
		roots:     decoderRoots,
		patterns:  decoder(gatedDecoder...),
		embedding: "{root}embed_tokens",
		head:      "{head}lm_head",
		decoder:   true,
	},
	{
		name: "gemma",
		classes: []string{
			"GemmaForCausalLM", "Gemma2ForCausalLM", "Gemma2Model", "Gemma3ForCausalLM", "Gemma3TextModel",
			"Gemma3ForConditionalGeneration", "PaliGemmaForConditionalGeneration", "CohereForCausalLM", "Cohere2ForCausalLM",
		},
		types:     []string{"gemma", "gemma2", "gemma3", "gemma3_text", "paligemma", "cohere", "cohere2"},
		roots:     decoderRoots,
		patterns:  decoder(gatedDecoder...),
		embedding: "{root}embed_tokens",
		head:      "{head}lm_head",
		decoder:   true,
	},
	{
		name:      "phi3",
		classes:   []string{"Phi3ForCausalLM", "Phi3Model", "Phi4MMForCausalLM"},
		types:     []string{"phi3", "phi4mm"},
		roots:     decoderRoots,
		patterns:  decoder("self_attn.qkv_proj", "self_attn.o_proj", "mlp.gate_up_proj", "mlp.down_proj"),
		embedding: "{root}embed_tokens",
		head:      "{head}lm_head",
		decoder:   true,
	},
	{
		name:    "phi",
		classes: []string{"PhiForCausalLM"},
		types:   []string{"phi"},
		roots:   decoderRoots,
		patterns: decoder("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.dense",
			"mlp.fc1", "mlp.fc2"),
		embedding: "{root}embed_tokens",
		head:      "{head}lm_head",
		decoder:   true,
	},
	{
		// A unit for each expert: all experts of a layer together can exceed what one unit may hold.
		name:    "qwen moe",
		classes: []string{"Qwen2MoeForCausalLM", "Qwen3MoeForCausalLM", "OlmoeForCausalLM"},
		types:   []string{"qwen2_moe", "qwen3_moe", "olmoe"},
		roots:   decoderRoots,
		patterns: Patterns{
			{`{root}embed_tokens`, nil},
			{`{root}layers\.\d+`, attention},
			{`{root}layers\.\d+\.mlp\.experts\.\d+`, gatedMLP},
			{`{root}layers\.\d+\.mlp\.shared_expert`, gatedMLP},
			{`{root}layers\.\d+\.mlp`, gatedMLP},
			{`{head}lm_head`, nil},
		},
		embedding: "{root}embed_tokens",
		head:      "{head}lm_head",
		decoder:   true,
	},
	{
		name:    "mixtral",
		classes: []string{"MixtralForCausalLM"},
		types:   []string{"mixtral"},
		roots:   decoderRoots,
		patterns: Patterns{
			{`{root}embed_tokens`, nil},
			{`{root}layers\.\d+`, attention},
			{`{root}layers\.\d+\.block_sparse_moe\.experts\.\d+`, []string{"w1", "w2", "w3"}},
			{`{head}lm_head`, nil},
		},
		embedding: "{root}embed_tokens",
		head:      "{head}lm_head",
		decoder:   true,
	},
	{
		name:    "gpt_neox",
		classes: []string{"GPTNeoXForCausalLM"},
		types:   []string{"gpt_neox"},
		roots:   []string{"gpt_neox.", ""},
		patterns: Patterns{
			{`{root}embed_in`, nil},
			{`{root}layers\.\d+`, []string{"attention.query_key_value", "attention.dense", "mlp.dense_h_to_4h", "mlp.dense_4h_to_h"}},
			{`embed_out`, nil},
		},
		embedding: "{root}embed_in",
		head:      "embed_out",
		decoder:   true,
	},
	{
		name:    "bert",
		classes: []string{"BertModel", "BertForMaskedLM", "BertForPreTraining", "BertForSequenceClassification", "BertForTokenClassification", "BertForQuestionAnswering"},
		types:   []string{"bert"},
		roots:   []string{"bert.", ""},
		patterns: Patterns{
			{`{root}embeddings\.word_embeddings`, nil},
			{`{root}embeddings\.position_embeddings`, nil},
			{`{root}encoder\.layer\.\d+`, bertLayer},
			{`{root}pooler\.dense`, nil},
		},
		embedding: "{root}embeddings.word_embeddings",
		head:      "cls.predictions.decoder",
	},
	{
		name:    "roberta",
		classes: []string{"RobertaModel", "RobertaForMaskedLM", "RobertaForSequenceClassification", "XLMRobertaModel", "XLMRobertaForMaskedLM", "XLMRobertaForSequenceClassification", "CamembertModel"},
		types:   []string{"roberta", "xlm-roberta", "camembert"},
		roots:   []string{"roberta.", ""},
		patterns: Patterns{
			{`{root}embeddings\.word_embeddings`, nil},
			{`{root}embeddings\.position_embeddings`, nil},
			{`{root}encoder\.layer\.\d+`, bertLayer},
			{`{root}pooler\.dense`, nil},
		},
		embedding: "{root}embeddings.word_embeddings",
		head:      "lm_head.decoder",
	},
	{
		name:    "distilbert",
		classes: []string{"DistilBertModel", "DistilBertForMaskedLM", "DistilBertForSequenceClassification"},
		types:   []string{"distilbert"},
		roots:   []string{"distilbert.", ""},
		patterns: Patterns{
			{`{root}embeddings\.word_embeddings`, nil},
			{`{root}embeddings\.position_embeddings`, nil},
			{`{root}transformer\.layer\.\d+`, []string{"attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin", "ffn.lin1", "ffn.lin2"}},
		},
		embedding: "{root}embeddings.word_embeddings",
		head:      "vocab_projector",
	},
	{
		name:    "mpnet",
		classes: []string{"MPNetModel", "MPNetForMaskedLM"},
		types:   []string{"mpnet"},
		roots:   []string{"mpnet.", ""},
		patterns: Patterns{
			{`{root}embeddings\.word_embeddings`, nil},
			{`{root}embeddings\.position_embeddings`, nil},
			{`{root}encoder\.layer\.\d+`, []string{
				"attention.attn.q", "attention.attn.k", "attention.attn.v", "attention.attn.o",
				"intermediate.dense", "output.dense",
			}},
			{`{root}pooler\.dense`, nil},
		},
		embedding: "{root}embeddings.word_embeddings",
		head:      "lm_head.decoder",
	},
	{
		name:    "gpt2",
		classes: []string{"GPT2LMHeadModel", "GPT2Model"},
		types:   []string{"gpt2"},
		roots:   []string{"transformer.", ""},
		patterns: Patterns{
			{`{root}wte`, nil},
			{`{root}wpe`, nil},
			{`{root}h\.\d+`, []string{"attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"}},
		},
		embedding: "{root}wte",
		head:      "lm_head",
		notLinear: "a Conv1D weight, which the published loader cannot put back",
	},
	{
		name:    "flux",
		classes: []string{"FluxTransformer2DModel"},
		roots:   []string{"", "transformer."},
		patterns: Patterns{
			{`{root}transformer_blocks\.\d+`, []string{
				"norm1.linear", "norm1_context.linear", "attn.to_q", "attn.to_k", "attn.to_v",
				"attn.add_k_proj", "attn.add_v_proj", "attn.add_q_proj", "attn.to_out.0", "attn.to_add_out",
				"ff.net.0.proj", "ff.net.2", "ff_context.net.0.proj", "ff_context.net.2",
			}},
			{`{root}single_transformer_blocks\.\d+`, []string{
				"norm.linear", "proj_mlp", "proj_out", "attn.to_q", "attn.to_k", "attn.to_v",
			}},
		},
	},
	{
		name:  "flux single file",
		roots: []string{"", "model.diffusion_model."},
		patterns: Patterns{
			{`{root}double_blocks\.\d+`, []string{
				"img_mod.lin", "img_attn.qkv", "img_attn.proj", "img_mlp.0", "img_mlp.2",
				"txt_mod.lin", "txt_attn.qkv", "txt_attn.proj", "txt_mlp.0", "txt_mlp.2",
			}},
			{`{root}single_blocks\.\d+`, []string{"linear1", "linear2", "modulation.lin"}},
		},
	},
	{
		name:    "wan",
		classes: []string{"WanTransformer3DModel"},
		roots:   []string{"", "transformer."},
		patterns: Patterns{
			{`{root}blocks\.\d+`, []string{
				"attn1.to_q", "attn1.to_k", "attn1.to_v", "attn1.to_out.0",
				"attn2.to_q", "attn2.to_k", "attn2.to_v", "attn2.to_out.0",
				"ffn.net.0.proj", "ffn.net.2",
			}},
		},
	},
}
