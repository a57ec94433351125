package torture

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Sources says where the models are that [Commands] works on.
type Sources struct {
	// Trained is a model of which a larger one is made, Small one that is replaced.
	Trained, Small string
	// Layers is how many times the larger one has the layers of Trained.
	Layers int
}

// Commands returns the command lines that write something, and makes their inputs below scratch with the binary of
// cfg.
func Commands(ctx context.Context, cfg Config, from Sources, scratch string) ([]Command, error) {
	large := filepath.Join(scratch, "large")
	if err := Enlarge(from.Trained, large, from.Layers); err != nil {
		return nil, err
	}
	inputs := map[string]string{}
	for _, made := range []struct {
		name string
		args []string
	}{
		{"df11", []string{"compress", large}},
		{"small-df11", []string{"compress", from.Small}},
		{"out", []string{"generate", from.Small, "--no-cuda"}},
	} {
		path := filepath.Join(scratch, made.name)
		cmd := exec.CommandContext(ctx, cfg.Bespoke, append(made.args, "-o", path)...)
		cmd.Env = cfg.Env
		if said, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%q: %w: %s", made.args, err, said)
		}
		inputs[made.name] = path
	}
	if _, err := os.Stat(large); err != nil {
		return nil, err
	}
	const copied = "tokenizer.json"
	return []Command{
		{Name: "compress", Args: []string{"compress", "IN", "-o", "OUT"}, Input: large, Copied: copied},
		{Name: "compress --force", Args: []string{"compress", "IN", "-o", "OUT", "--force"}, Input: large, Copied: copied, Before: inputs["small-df11"]},
		{Name: "compress --resume", Args: []string{"compress", "IN", "-o", "OUT"}, Again: []string{"compress", "IN", "-o", "OUT", "--resume"},
			Input: large, Copied: copied},
		{Name: "decompress", Args: []string{"decompress", "IN", "-o", "OUT"}, Input: inputs["df11"], Copied: copied},
		{Name: "decompress --force", Args: []string{"decompress", "IN", "-o", "OUT", "--force"}, Input: inputs["df11"], Copied: copied,
			Before: inputs["small-df11"]},
		{Name: "convert", Args: []string{"convert", "IN", "--to", "bf16", "-o", "OUT"}, Input: large, Copied: copied},
		{Name: "generate", Args: []string{"generate", "IN", "-o", "OUT", "--no-cuda"}, Input: large},
		{Name: "generate again", Args: []string{"generate", "IN", "-o", "OUT", "--no-cuda"}, Input: large, Before: inputs["out"]},
		{Name: "inspect --plot", Args: []string{"inspect", "IN", "--plot", "OUT"}, Input: large, Out: "out.png"},
	}, nil
}
