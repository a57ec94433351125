package model

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed54244801/bespoke/internal/regular"
)

// Extension ends the name of a safetensors file.
const Extension = ".safetensors"

// skippedFolders are left out of a listing. Tools keep data in them that does not belong to the model.
var skippedFolders = []string{".git", ".cache"}

// ListedFile is one file of a model's folder.
type ListedFile struct {
	// Path is relative to the folder, slash-separated.
	Path string
	// Size is in bytes.
	Size int64
	// Mode holds the permission bits.
	Mode fs.FileMode
	// Weights says that the file is one of the checkpoint's safetensors files.
	Weights bool

	info fs.FileInfo
}

// listed describes the file at a path within a folder.
func listed(path string, info fs.FileInfo) ListedFile {
	return ListedFile{Path: path, Size: info.Size(), Mode: info.Mode().Perm(), info: info}
}

// An OddFile is an entry of a model's folder that cannot be carried along with the model.
type OddFile struct {
	// Path is relative to the folder, slash-separated.
	Path string
	// Reason says what is odd about it.
	Reason string
}

// ListFolder lists all files of a folder and the folders in it, by path. Symbolic links to files count as files,
// because the Hugging Face cache consists of such links. odd lists what cannot be restored later, such as a link
// to a folder, or a file whose name not every system takes.
func ListFolder(dir string) (list []ListedFile, odd []OddFile, err error) {
	// WalkDir does not enter a folder that is itself given by a link.
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, nil, fmt.Errorf("model: %w", err)
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path != dir && slices.Contains(skippedFolders, d.Name()) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil // such as the .git of a worktree
		}
		if d.IsDir() {
			return nil
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		reason := ""
		info, err := os.Stat(path)
		switch {
		case err != nil && d.Type()&fs.ModeSymlink == 0:
			return err
		case err != nil:
			reason = "a link that leads nowhere"
		case !info.Mode().IsRegular():
			reason = "neither a file nor a link to one"
		default:
			if err := CheckStoredPath(rel); err != nil {
				reason = err.Error()
			}
		}
		if reason != "" {
			odd = append(odd, OddFile{rel, reason})
		} else {
			list = append(list, listed(rel, info))
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("model: %w", err)
	}
	slices.SortFunc(list, func(a, b ListedFile) int { return strings.Compare(a.Path, b.Path) })
	return list, odd, nil
}

// CheckStoredPath returns an error for a path that no file of a model may have in a container: one that
// [CheckPath] refuses, or that lies in a folder which is left out of models. Case does not matter, because some
// systems take .GIT for .git.
func CheckStoredPath(name string) error {
	if err := CheckPath(name); err != nil {
		return err
	}
	for part := range strings.SplitSeq(name, "/") {
		// Some systems drop dots and spaces at the end of a name.
		if slices.Contains(skippedFolders, strings.TrimRight(strings.ToLower(part), ". ")) {
			return fmt.Errorf("path %q lies in a folder that is left out of a model (%s)", name, strings.Join(skippedFolders, ", "))
		}
	}
	return nil
}

// topLevel returns the names in the folder that end with suffix, sorted.
func topLevel(list []ListedFile, suffix string) (names []string) {
	for _, f := range list {
		if !strings.Contains(f.Path, "/") && strings.HasSuffix(f.Path, suffix) {
			names = append(names, f.Path)
		}
	}
	return names
}

// oddWeights returns an error for the first entry of a folder that is named like a safetensors file and is no
// file. An interrupted download leaves such entries.
func oddWeights(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("model: %s: %w", dir, pathless(err))
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), Extension) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if odd := regular.Odd(path); odd != "" {
			return fmt.Errorf("model: %s is %s, not a safetensors file", path, odd)
		}
	}
	return nil
}

// foldersWith returns the subfolders that hold files whose names end with suffix.
func foldersWith(list []ListedFile, suffix string) (folders []string) {
	for _, f := range list {
		if i := strings.LastIndexByte(f.Path, '/'); i >= 0 && strings.HasSuffix(f.Path, suffix) {
			folders = append(folders, f.Path[:i])
		}
	}
	slices.Sort(folders)
	return slices.Compact(folders)
}
