package isolated

import (
	"os"
	"path/filepath"
)

// A Folder is the absolute path of a folder in which programs run.
type Folder string

// NewFolder makes an empty folder that only the user can look into. [Folder.Remove] removes it.
func NewFolder() (Folder, error) {
	path, err := os.MkdirTemp("", "bespoke-")
	if err != nil {
		return "", err
	}
	path, err = filepath.Abs(path)
	return Folder(path), err
}

// Remove removes the folder and everything in it.
func (f Folder) Remove() error { return os.RemoveAll(string(f)) }

// Path returns the path of a file in the folder.
func (f Folder) Path(name string) string { return filepath.Join(string(f), name) }

// Write writes a file in the folder.
func (f Folder) Write(name string, data []byte) error { return os.WriteFile(f.Path(name), data, 0o666) }

// Read reads a file in the folder.
func (f Folder) Read(name string) ([]byte, error) { return os.ReadFile(f.Path(name)) }
