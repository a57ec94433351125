package model_test

import (
	"fmt"
	"log"

	"github.com/seed54244801/bespoke/model"
)

// The units of a checkpoint, and the pattern_dict that describes them.
func ExampleNewPartition() {
	c, err := model.Open("testdata/tiny-llama/bf16")
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	partition, err := model.NewPartition(c, model.PartitionOptions{})
	if err != nil {
		log.Fatal(err)
	}
	for _, u := range partition.Units {
		fmt.Println(u.Name, u.Elements())
	}
	dict, err := partition.PatternDict()
	if err != nil {
		log.Fatal(err)
	}
	for _, pattern := range dict {
		fmt.Println(pattern.Regex, len(pattern.Attrs))
	}
	// Output:
	// model.embed_tokens 32768
	// model.layers.0 46080
	// model.layers.1 46080
	// lm_head 32768
	// model\.embed_tokens 0
	// model\.layers\.\d+ 7
	// lm_head 0
}

// What one unit of a DF11 checkpoint decodes to.
func ExampleOpenContainer() {
	d, err := model.OpenContainer("testdata/tiny-llama/df11")
	if err != nil {
		log.Fatal(err)
	}
	defer d.Close()
	u := d.Unit("model.layers.1")
	fmt.Println(u.Stream.Elements(), "weights in", len(u.Stream.Encoded)+len(u.Stream.SignMantissa), "bytes")
	for _, t := range u.Tensors[:2] {
		fmt.Println(t.Name, t.Shape, "from", t.Offset)
	}
	// Output:
	// 46080 weights in 61800 bytes
	// model.layers.1.self_attn.q_proj.weight [64 64] from 0
	// model.layers.1.self_attn.k_proj.weight [32 64] from 4096
}
