package model

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Changed reports the first file of the model that is not what it was when the model was opened, by its size and
// the time of its last change: it was written to, replaced, removed or added meanwhile.
func (c *Checkpoint) Changed() error {
	now := slices.Clone(c.Listed)
	if c.Lone {
		info, err := os.Stat(filepath.Join(c.Dir, filepath.FromSlash(c.Listed[0].Path)))
		if err != nil {
			return fmt.Errorf("model: %w", err)
		}
		now[0] = listed(c.Listed[0].Path, info)
	} else {
		var err error
		if now, _, err = ListFolder(c.Dir); err != nil {
			return err
		}
	}
	for i := range max(len(now), len(c.Listed)) {
		switch {
		case i == len(c.Listed) || i < len(now) && now[i].Path < c.Listed[i].Path:
			return fmt.Errorf("model: %s appeared meanwhile", filepath.Join(c.Dir, now[i].Path))
		case i == len(now) || now[i].Path != c.Listed[i].Path:
			return fmt.Errorf("model: %s disappeared meanwhile", filepath.Join(c.Dir, c.Listed[i].Path))
		}
		before, after := c.Listed[i].info, now[i].info
		if !os.SameFile(before, after) || before.Size() != after.Size() || !before.ModTime().Equal(after.ModTime()) {
			return fmt.Errorf("model: %s changed meanwhile", filepath.Join(c.Dir, now[i].Path))
		}
	}
	return nil
}
