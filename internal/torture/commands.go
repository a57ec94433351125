//go:build linux

package torture

import (
	"context"
	"fmt"
	"path/filepath"
)

// Commands returns all commands that write something, and makes their input in the folder dir. root is the folder
// of the repository, with the models in it. The larger model gets its layers several times.
func (c *Config) Commands(ctx context.Context, root, dir string, times int) ([]Command, error) {
	small, large := filepath.Join(root, "model/testdata/tiny-llama/bf16"), filepath.Join(dir, "large")
	if err := Enlarge(filepath.Join(root, "testdata/shakespeare-llama"), large, times); err != nil {
		return nil, err
	}
	df11, smallDF11, smallOut := filepath.Join(dir, "df11"), filepath.Join(dir, "small-df11"), filepath.Join(dir, "small-out")
	for _, args := range [][]string{
		{"compress", large, "-o", df11},
		{"compress", small, "-o", smallDF11},
		{"generate", small, "-o", smallOut, "--no-cuda"},
	} {
		run, stderr := c.command(ctx, args, "", "")
		if err := run.Run(); err != nil {
			return nil, fmt.Errorf("torture: %q: %w: %s", args, err, stderr)
		}
	}
	const copied = "tokenizer.json"
	return []Command{
		{Name: "compress", Args: []string{"compress", "IN", "-o", "OUT"}, Input: large, Copied: copied},
		{Name: "compress --force", Args: []string{"compress", "IN", "-o", "OUT", "--force"}, Input: large, Copied: copied, Before: smallDF11},
		{Name: "compress --resume", Args: []string{"compress", "IN", "-o", "OUT"}, Again: []string{"compress", "IN", "-o", "OUT", "--resume"},
			Input: large, Copied: copied},
		{Name: "decompress", Args: []string{"decompress", "IN", "-o", "OUT"}, Input: df11, Copied: copied},
		{Name: "decompress --force", Args: []string{"decompress", "IN", "-o", "OUT", "--force"}, Input: df11, Copied: copied, Before: smallDF11},
		{Name: "convert", Args: []string{"convert", "IN", "--to", "bf16", "-o", "OUT"}, Input: large, Copied: copied},
		{Name: "generate", Args: []string{"generate", "IN", "-o", "OUT", "--no-cuda"}, Input: large},
		{Name: "generate again", Args: []string{"generate", "IN", "-o", "OUT", "--no-cuda"}, Input: large, Before: smallOut},
		{Name: "inspect --plot", Args: []string{"inspect", "IN", "--plot", "OUT"}, Input: large, Out: "out.png"},
	}, nil
}
