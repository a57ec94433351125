package atomicfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// journalName is the file in a temporary folder that says which other files are finished. Its lines are JSON:
// first a journalHead, then a record for each file, written after the file itself has been flushed. A line that
// cannot be read, such as one that was cut short, and everything behind it do not count.
const journalName = ".bespoke-journal"

// journalFormat is the version of the journal.
const journalFormat = 1

type journalHead struct {
	Format int    `json:"bespoke_journal"`
	Key    string `json:"key"`
}

// A record says that a file of a temporary folder is finished.
type record struct {
	Name string `json:"name"` // slash-separated
	Key  string `json:"key"`
	Size int64  `json:"size"`
	Sum  string `json:"sum"`
}

type journal struct {
	dir     string
	f       *os.File
	mu      sync.Mutex
	records map[string]record
	claimed map[string]bool // by this process; the others are not needed
}

// newJournal begins the journal of an empty folder.
func newJournal(dir, key string) (*journal, error) {
	f, err := os.OpenFile(filepath.Join(dir, journalName), os.O_WRONLY|os.O_APPEND|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, err
	}
	j := &journal{dir: dir, f: f, records: map[string]record{}, claimed: map[string]bool{}}
	if err := j.append(journalHead{journalFormat, key}); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return j, nil
}

// readJournal opens the journal that another process left in dir. It removes from dir everything that is not
// finished, and returns the number of finished bytes.
func readJournal(dir, key string) (*journal, int64, error) {
	path := filepath.Join(dir, journalName)
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s: no journal", dir)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, 0, err
	}
	var head journalHead
	read := nextLine(text, 0, &head)
	if read == 0 || head != (journalHead{journalFormat, key}) {
		return nil, 0, fmt.Errorf("%s: a journal of something else", dir)
	}
	j := &journal{dir: dir, records: map[string]record{}, claimed: map[string]bool{}}
	for {
		var r record
		end := nextLine(text, read, &r)
		if end == read {
			break
		}
		j.records[r.Name], read = r, end
	}
	total, err := j.clean()
	if err != nil {
		return nil, 0, err
	}
	if j.f, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0); err != nil {
		return nil, 0, err
	}
	if err := j.f.Truncate(int64(read)); err != nil {
		return nil, 0, errors.Join(err, j.f.Close())
	}
	return j, total, nil
}

// nextLine parses the line of text that begins at from. It returns the start of the next line, or from if the line
// is not sound.
func nextLine(text []byte, from int, v any) int {
	n := bytes.IndexByte(text[from:], '\n')
	if n < 0 || json.Unmarshal(text[from:from+n], v) != nil {
		return from
	}
	return from + n + 1
}

// clean removes all files without a record, and the records of files that are not there. It returns the number of
// bytes of the other files.
func (j *journal) clean() (total int64, err error) {
	found := map[string]bool{}
	var folders []string
	err = filepath.WalkDir(j.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(j.dir, path)
		if err != nil {
			return err
		}
		if e.IsDir() {
			folders = append(folders, path)
			return nil
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		if r, ok := j.records[name]; ok && info.Mode().IsRegular() && info.Size() == r.Size {
			found[name] = true
			total += r.Size
		} else if name != journalName {
			return os.Remove(path)
		}
		return nil
	})
	for name := range j.records {
		if !found[name] {
			delete(j.records, name)
		}
	}
	for _, dir := range slices.Backward(folders) {
		if dir != j.dir {
			_ = os.Remove(dir) // fails for folders that hold something
		}
	}
	return total, err
}

// finished implements [Dir.Finished].
func (j *journal) finished(name, key string) (sum string, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	r, ok := j.records[name]
	if ok && r.Key == key {
		j.claimed[name] = true
		return r.Sum, true
	}
	if ok {
		delete(j.records, name)
		_ = os.Remove(j.path(name)) // if it stays, it is in the way of the new file, which is an error then
	}
	return "", false
}

// finish implements [Dir.Finish].
func (j *journal) finish(name, key, sum string) error {
	if err := syncPath(j.path(name)); err != nil {
		return err
	}
	info, err := os.Lstat(j.path(name))
	if err != nil {
		return err
	}
	r := record{Name: name, Key: key, Size: info.Size(), Sum: sum}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.records[name], j.claimed[name] = r, true
	return j.append(r)
}

func (j *journal) append(line any) error {
	text, err := json.Marshal(line)
	if err == nil {
		_, err = j.f.Write(append(text, '\n'))
	}
	return err
}

// end removes the journal, and the finished files of an earlier process that are not wanted now.
func (j *journal) end() error {
	for name := range j.records {
		if !j.claimed[name] {
			if err := os.Remove(j.path(name)); err != nil {
				return err
			}
		}
	}
	return errors.Join(j.f.Close(), os.Remove(filepath.Join(j.dir, journalName)))
}

func (j *journal) path(name string) string { return filepath.Join(j.dir, filepath.FromSlash(name)) }
