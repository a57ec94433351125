package checkpoint

import (
	"fmt"
	"os"
	"path/filepath"
)

// inside reports a file of a folder, by its slash-separated path, that a link takes out of it: a container from
// elsewhere must not have files of this machine copied. The links of the Hugging Face cache, from
// MODEL/snapshots/REVISION to MODEL/blobs, stay within the model, if that is a folder there and no link itself.
func inside(dir, path string) error {
	root, err := filepath.EvalSymlinks(dir)
	if err == nil {
		root, err = filepath.Abs(root)
	}
	if err != nil {
		return err
	}
	real, err := filepath.EvalSymlinks(filepath.Join(root, filepath.FromSlash(path)))
	if err != nil {
		return err
	}
	if within(real, root) {
		return nil
	}
	if snapshots := filepath.Dir(root); filepath.Base(snapshots) == "snapshots" {
		blobs := filepath.Join(filepath.Dir(snapshots), "blobs")
		if info, err := os.Lstat(blobs); err == nil && info.IsDir() && within(real, blobs) {
			return nil
		}
	}
	return fmt.Errorf("%s is a link out of its folder, to %s", filepath.Join(dir, path), real)
}
