package model

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestListFolder lists folders that have the names of those that are left out, and what lies in such folders.
func TestListFolder(t *testing.T) {
	files := map[string]string{"a": "1", "sub/b": "22", ".git/config": "", ".cache/c": "", "sub/deep/.git/d": "", "sub/.cache/e": "", "sub/worktree/.git": "gitdir: x", "sub/.gitignore": "4444"}
	for _, name := range []string{".cache", ".git", "model"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), name)
			if err := os.Rename(writeFiles(t, files), dir); err != nil {
				t.Fatal(err)
			}
			list, odd, err := ListFolder(dir)
			if err != nil || len(odd) > 0 {
				t.Fatalf("odd files %v, error %v", odd, err)
			}
			got := map[string]int64{}
			for _, f := range list {
				got[f.Path] = f.Size
			}
			if diff := cmp.Diff(map[string]int64{"a": 1, "sub/b": 2, "sub/.gitignore": 4}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
