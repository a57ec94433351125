//go:build linux

package torture

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/seed54244801/bespoke/model"
)

var (
	layer  = regexp.MustCompile(`^model\.layers\.(\d+)\.`)
	layers = regexp.MustCompile(`("num_hidden_layers": )(\d+)`)
)

// Enlarge writes a model to the new folder dst. It has the layers of the model in src several times, each time in
// a shard of its own, so that work on it takes a while. All other files are copied.
func Enlarge(src, dst string, times int) error {
	c, err := model.Open(src)
	if err != nil {
		return err
	}
	defer c.Close()
	config := layers.FindSubmatch(c.Config.Raw)
	if config == nil {
		return fmt.Errorf("torture: %s: config.json does not say how many layers there are", src)
	}
	count, err := strconv.Atoi(string(config[2]))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dst, 0o777); err != nil {
		return err
	}
	weightMap, total := map[string]string{}, uint64(0)
	for i := range times {
		file := fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, times)
		var entries []model.Entry
		for _, t := range c.Tensors {
			e := model.EntryOf(t)
			if m := layer.FindStringSubmatch(t.Name); m != nil {
				n, err := strconv.Atoi(m[1])
				if err != nil {
					return err
				}
				e.Name = fmt.Sprintf("model.layers.%d.%s", i*count+n, t.Name[len(m[0]):])
			} else if i > 0 {
				continue
			}
			entries = append(entries, e)
			weightMap[e.Name] = file
			total += t.Size()
		}
		model.SortEntries(entries)
		if err := model.WriteFile(filepath.Join(dst, file), entries, map[string]string{"format": "pt"}); err != nil {
			return err
		}
	}
	index, err := json.MarshalIndent(map[string]any{"metadata": map[string]any{"total_size": total}, "weight_map": weightMap}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dst, "model.safetensors.index.json"), index, 0o666); err != nil {
		return err
	}
	for _, f := range c.Listed {
		if f.Weights {
			continue
		}
		text, err := os.ReadFile(filepath.Join(src, f.Path))
		if err != nil {
			return err
		}
		if f.Path == model.ConfigName {
			text = bytes.Replace(text, config[0], fmt.Appendf(nil, "%s%d", config[1], count*times), 1)
		}
		if err := os.WriteFile(filepath.Join(dst, f.Path), text, 0o666); err != nil {
			return err
		}
	}
	return nil
}
