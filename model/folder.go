package model

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Extension ends the name of a safetensors file.
const Extension = ".safetensors"

// skippedFolders are left out of a listing: they hold what tools keep beside a model.
var skippedFolders = []string{".git", ".cache"}

// ListedFile is one file of a model's folder.
type ListedFile struct {
	// Path is relative to the folder, slash-separated.
	Path string
	// Size is in bytes.
	Size int64
	// Weights says that the file is one of the checkpoint's safetensors files.
	Weights bool
}

// ListFolder lists all files of a folder and the folders in it, by path. Symbolic links to files
// count as files, which is how the Hugging Face cache lays out a model. What cannot be restored
// later, such as a link to a folder, is an error and not left out in silence.
func ListFolder(dir string) ([]ListedFile, error) {
	// WalkDir does not enter a folder that is itself given by a link.
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	var list []ListedFile
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path != dir && slices.Contains(skippedFolders, d.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s: neither a file nor a link to one", path)
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		list = append(list, ListedFile{Path: filepath.ToSlash(rel), Size: info.Size()})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	slices.SortFunc(list, func(a, b ListedFile) int { return strings.Compare(a.Path, b.Path) })
	return list, nil
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

// foldersWith returns the folders below that hold files whose names end with suffix.
func foldersWith(list []ListedFile, suffix string) (folders []string) {
	for _, f := range list {
		if i := strings.LastIndexByte(f.Path, '/'); i >= 0 && strings.HasSuffix(f.Path, suffix) {
			if !slices.Contains(folders, f.Path[:i]) {
				folders = append(folders, f.Path[:i])
			}
		}
	}
	return folders
}
