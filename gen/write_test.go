package gen

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed54244801/bespoke/internal/cost"
)

// folderFiles is a folder as names and contents.
type folderFiles map[string]string

func (f folderFiles) list() []File {
	var files []File
	for name, data := range f {
		files = append(files, File{name, []byte(data)})
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return files
}

func (f folderFiles) create(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for name, data := range f {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func readFolder(t *testing.T, dir string) folderFiles {
	t.Helper()
	files, err := ReadFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	f := folderFiles{}
	for _, file := range files {
		f[file.Name] = string(file.Data)
	}
	return f
}

func (f folderFiles) equal(o folderFiles) bool {
	return slices.EqualFunc(f.list(), o.list(), func(a, b File) bool {
		return a.Name == b.Name && string(a.Data) == string(b.Data)
	})
}

const (
	oldManifest = `{"generator": "bespoke", "files": ["x.go", "gone.go"]}`
	newManifest = `{"generator": "bespoke", "files": ["x.go"]}`
)

func TestWrite(t *testing.T) {
	fresh := folderFiles{"x.go": "new", ManifestName: newManifest}
	tests := []struct {
		name    string
		before  folderFiles // nil: no folder
		force   bool
		wantErr string
	}{
		{name: "no folder"},
		{name: "empty folder", before: folderFiles{}},
		{name: "earlier generation", before: folderFiles{"x.go": "old", "gone.go": "stale", ManifestName: oldManifest}},
		{name: "the same again", before: fresh},
		{
			name:   "marked but not listed",
			before: folderFiles{"y.go": generatedMark + "y (sha256:0). DO NOT EDIT.\n", ManifestName: oldManifest},
		},
		{
			name:    "a user's file",
			before:  folderFiles{"x.go": "old", "mine.go": "package x", ManifestName: oldManifest},
			wantErr: "did not generate: mine.go",
		},
		{
			name:    "a user's file with force",
			before:  folderFiles{"x.go": "old", "mine.go": "package x", ManifestName: oldManifest},
			force:   true,
			wantErr: "did not generate: mine.go",
		},
		{name: "no manifest", before: folderFiles{"x.go": "old"}, wantErr: "not a generated folder"},
		{
			name:   "no manifest, but marks, with force",
			before: folderFiles{"x.go": generatedMark + "x (sha256:0). DO NOT EDIT.\n"},
			force:  true,
		},
		{
			name:    "no manifest, but marks",
			before:  folderFiles{"x.go": generatedMark + "x (sha256:0). DO NOT EDIT.\n"},
			wantErr: "force goes by the mark in its files",
		},
		{name: "neither manifest nor mark, with force", before: folderFiles{"x.go": "old"}, force: true, wantErr: "did not generate: x.go"},
		{
			name:    "a foreign manifest with force",
			before:  folderFiles{ManifestName: `{"name": "web app"}`},
			force:   true,
			wantErr: "did not generate: manifest.json",
		},
		{
			name:   "a manifest cut short, with force",
			before: folderFiles{ManifestName: manifestMark + "\n"},
			force:  true,
		},
		{
			name:    "a foreign manifest",
			before:  folderFiles{"x.go": "old", ManifestName: `{"name": "web app"}`},
			wantErr: `generator ""`,
		},
		{
			name:    "a broken manifest",
			before:  folderFiles{"x.go": "old", ManifestName: `{"generator"`},
			wantErr: "not a generated folder",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			parent := t.TempDir()
			dir := filepath.Join(parent, "x")
			if tt.before != nil {
				tt.before.create(t, dir)
			}
			err := Write(dir, fresh.list(), tt.force)
			want := fresh
			if tt.wantErr != "" {
				want = tt.before
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Errorf("error %v, want %q", err, tt.wantErr)
				}
			} else if err != nil {
				t.Error(err)
			}
			if got := readFolder(t, dir); !got.equal(want) {
				t.Errorf("the folder holds %v, want %v", got, want)
			}
			if entries, _ := os.ReadDir(parent); len(entries) != 1 {
				t.Errorf("%d entries beside the folder, want none", len(entries)-1)
			}
		})
	}
}

// What a run that was killed left goes, even if there is nothing to write.
func TestWriteSweeps(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "x")
	fresh := folderFiles{ManifestName: newManifest}
	fresh.create(t, dir)
	folderFiles{"old": ""}.create(t, filepath.Join(parent, ".x.00000001.bespoke-tmp"))
	if err := Write(dir, fresh.list(), false); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(parent); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestWriteCreatesParents(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b", "x")
	fresh := folderFiles{ManifestName: newManifest}
	if err := Write(dir, fresh.list(), false); err != nil {
		t.Fatal(err)
	}
	if got := readFolder(t, dir); !got.equal(fresh) {
		t.Errorf("the folder holds %v, want %v", got, fresh)
	}
}

func TestWriteRefusesFolderInside(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "x")
	folderFiles{ManifestName: `{"generator": "bespoke", "files": ["below"]}`}.create(t, dir)
	folderFiles{"weights": ""}.create(t, filepath.Join(dir, "below"))
	err := Write(dir, folderFiles{ManifestName: newManifest}.list(), true)
	if err == nil || !strings.Contains(err.Error(), "below") {
		t.Errorf("error %v, want one that names the folder", err)
	}
}

func TestWriteThroughLink(t *testing.T) {
	parent := t.TempDir()
	dir, link := filepath.Join(parent, "x"), filepath.Join(parent, "link")
	folderFiles{}.create(t, dir)
	if err := os.Symlink(dir, link); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	fresh := folderFiles{ManifestName: newManifest}
	if err := Write(link, fresh.list(), false); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("the link became %v, %v", info, err)
	}
	if got := readFolder(t, dir); !got.equal(fresh) {
		t.Errorf("the folder holds %v, want %v", got, fresh)
	}
}

func TestWriteRefusesTargets(t *testing.T) {
	parent := t.TempDir()
	folderFiles{"file": "mine"}.create(t, parent)
	if err := os.Symlink("none", filepath.Join(parent, "dangling")); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{"file": "file is not a folder", "file/x": "not a directory", "dangling": "is a link to none, which does not exist"} {
		err := Write(filepath.Join(parent, dir), folderFiles{ManifestName: newManifest}.list(), true)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", dir, err, want)
		}
	}
	if entries, _ := os.ReadDir(parent); len(entries) != 2 {
		t.Errorf("%v", entries)
	}
}

func TestWriteRefusesNames(t *testing.T) {
	manifest := File{ManifestName, []byte(newManifest)}
	tests := []struct {
		name    string
		files   []File
		wantErr string
	}{
		{"path", []File{{"../x.go", nil}, manifest}, "not a file name"},
		{"hidden", []File{{".x.go", nil}, manifest}, "not a file name"},
		{"empty", []File{{"", nil}, manifest}, "not a file name"},
		{"twice", []File{{"x.go", nil}, {"x.go", nil}, manifest}, "two files"},
		{"no manifest", []File{{"x.go", nil}}, "no manifest.json"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := Write(filepath.Join(t.TempDir(), "x"), tt.files, true)
			if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("error %v, want %q", err, tt.wantErr)
			}
		})
	}
}

// A folder given by mistake is not read into memory, whatever it holds.
func TestReadFolderLargeFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "model.safetensors")
	folderFiles{"model.safetensors": ""}.create(t, dir)
	if err := os.Truncate(path, maxFolder+1); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFolder(dir); err == nil || !strings.Contains(err.Error(), "not a generated folder") {
		t.Errorf("error %v", err)
	}
	// Nor are many files that are small enough each.
	folderFiles{"a": "", "b": "", "c": ""}.create(t, dir)
	for _, name := range []string{"a", "b", "c"} {
		if err := os.Truncate(filepath.Join(dir, name), maxFolder/2); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	var err error
	if took := cost.Bytes(func() { _, err = ReadFolder(dir) }); err == nil || took > 8*maxFolder {
		t.Errorf("error %v, %d bytes allocated", err, took)
	}
}

func TestManifestFiles(t *testing.T) {
	name := `"` + strings.Repeat("x", maxName) + `",`
	for _, tt := range []struct {
		name, text, wantErr string
		want                int
	}{
		{name: "files", want: 3, text: `{"files": ["a", "b"], "generator": "bespoke", "units": [{"name": "x"}]}`},
		{name: "as many as may be", want: maxListed + 1, text: `{"generator": "bespoke", "files": [` + strings.Repeat(name, maxListed-1) + `"x"]}`},
		{name: "more", text: `{"generator": "bespoke", "files": [` + strings.Repeat(`"",`, maxListed) + `""]}`, wantErr: "files: more than 256"},
		{name: "a long name", text: `{"generator": "bespoke", "files": [` + name[:1] + "x" + name[1:] + `"x"]}`, wantErr: "a string of 256 bytes, max 255"},
		{name: "no names", text: `{"generator": "bespoke", "files": [{}]}`, wantErr: "unexpected object, want a string"},
		{name: "another's", text: `{"generator": "web", "files": []}`, wantErr: `generator "web", want "bespoke"`},
		{name: "deep", text: `{"generator": "bespoke", "a": ` + strings.Repeat("[", 1<<20), wantErr: "nested more than"},
		{name: "cut", text: `{"generator": "bespoke", "files": ["a"`, wantErr: "unexpected end"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), ManifestName)
			if err := os.WriteFile(path, []byte(tt.text), 0o666); err != nil {
				t.Fatal(err)
			}
			files, err := manifestFiles(path)
			switch {
			case tt.wantErr != "":
				if err == nil || !strings.Contains(err.Error(), path+": ") || !strings.Contains(err.Error(), tt.wantErr) {
					t.Errorf("error %v, want %q", err, tt.wantErr)
				}
			case err != nil || len(files) != tt.want || files[len(files)-1] != ManifestName:
				t.Errorf("%d files, %v, want %d", len(files), err, tt.want)
			}
		})
	}
}

func FuzzManifest(f *testing.F) {
	f.Add(`{"generator": "bespoke", "files": ["a", "b"], "units": [{"name": "x", "weights": 3, "book": 0}]}`)
	f.Add(`{"generator": null, "files": [null], "files": []}`)
	f.Fuzz(func(t *testing.T, text string) {
		var files []string
		var err error
		cost.Bounded(t, len(text), 64<<10, 64, func() { files, err = listedFiles(strings.NewReader(text)) })
		if err == nil && len(files) > maxListed {
			t.Errorf("%d files", len(files))
		}
	})
}
