package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Options say what a folder may replace, and whether it continues an earlier one. The zero value does neither.
type Options struct {
	// Replace is asked whether the complete folder fresh may replace the folder old, which is not empty. An error
	// says why not. If Replace is nil, nothing is replaced. Commit calls it twice: before the two folders change
	// places, and when nobody can add to old any more.
	Replace func(old, fresh string) error
	// Key names everything that decides over the content of the files, such as options. With a key there is a
	// journal.
	Key string
	// Resume continues the folder of a process that was killed, or that kept it, and had the same Key. Without
	// Resume, or with another key, such a folder is removed.
	Resume bool
}

// A Dir is a folder being built under a temporary name. Finished and Finish may be called at the same time as each
// other, the other methods may not.
type Dir struct {
	target   string
	temp     string
	opts     Options
	lock     *lock
	replaced *lock    // of the folder that is being replaced
	parents  []string // those that were made for it
	journal  *journal // nil without a key
	done     bool

	exchange func(a, b string) error // set by tests
}

// NewDir creates a temporary folder beside target, and the parents that target lacks. If target exists, is not
// empty, and Replace is nil, it returns an error matching [fs.ErrExist] and creates nothing.
func NewDir(target string, opts Options) (*Dir, error) {
	d, err := newDir(target, opts)
	if err != nil {
		return nil, fmt.Errorf("atomicfile: %w", err)
	}
	return d, nil
}

func newDir(target string, opts Options) (*Dir, error) {
	target, err := Resolve(target)
	if err != nil {
		return nil, err
	}
	resume := opts.Resume && opts.Key != ""
	putBack(target)
	if !resume {
		sweep(target)
	}
	mode, err := checkFolder(target, opts.Replace != nil)
	if err != nil {
		return nil, err
	}
	d := &Dir{target: target, opts: opts, exchange: exchange}
	if resume {
		d.adopt()
		sweep(target)
	}
	if d.temp != "" {
		return d, nil
	}
	for try := range tries {
		made, err := makeParents(filepath.Dir(target))
		d.parents = append(d.parents, made...)
		if err == nil {
			d.temp, d.lock, err = reserve(target, func(name string) error { return os.Mkdir(name, mode|0o700) })
		}
		if err == nil && opts.Key != "" {
			d.journal, err = newJournal(d.temp, opts.Key)
		}
		// Another process may just have removed parents that it had made, because it gave up.
		if errors.Is(err, fs.ErrNotExist) && try < tries-1 {
			continue
		}
		if err != nil {
			return nil, errors.Join(createError(target, err), d.Close())
		}
		break
	}
	return d, nil
}

// tries is how often parents are made again if other processes remove them. It is more than as many processes could
// need.
const tries = 100

// checkFolder refuses a target that cannot become a folder. It returns the permissions of the existing folder, or
// those of a new one if there is none.
func checkFolder(target string, replace bool) (fs.FileMode, error) {
	parent := filepath.Dir(target)
	if parent == target {
		return 0, fmt.Errorf("%s cannot be replaced", target)
	}
	info, err := os.Lstat(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0o777, nil
	case err != nil:
		return 0, err
	case !info.IsDir():
		return 0, fmt.Errorf("%s exists and is not a folder", target)
	}
	if empty, err := isEmpty(target); err != nil {
		return 0, err
	} else if !empty && !replace {
		return 0, existsError(target)
	}
	if outer, err := os.Stat(parent); err == nil && !sameDevice(info, outer) {
		return 0, fmt.Errorf("%s is a mount point, which cannot be replaced; a folder in it can be written", target)
	}
	return info.Mode().Perm(), nil
}

// adopt takes over the abandoned folder with the most finished bytes.
func (d *Dir) adopt() {
	most := int64(-1)
	abandoned(d.target, suffix, func(name string, l *lock) {
		j, n, err := readJournal(name, d.opts.Key)
		switch {
		case err != nil:
			l.release()
		case n <= most:
			j.f.Close()
			l.release()
		default:
			d.drop()
			most, d.temp, d.journal, d.lock = n, name, j, l
		}
	})
}

// drop releases the folders that are held. They stay.
func (d *Dir) drop() {
	if d.journal != nil {
		d.journal.f.Close()
	}
	d.lock.release()
	d.replaced.release()
}

// Path returns the temporary folder to write into.
func (d *Dir) Path() string { return d.temp }

// Finished reports whether an earlier process finished the file name, a slash-separated path in the folder, and
// made it of what key says. If the file was made of something else, it is removed. Commit removes finished files
// that were not asked for. sum is the one that Finish was given.
func (d *Dir) Finished(name, key string) (sum string, ok bool) {
	if d.journal == nil {
		return "", false
	}
	return d.journal.finished(name, key)
}

// Finish says that the file name is complete. key says what it was made of, and sum is a sum of the caller's by
// which its content can be recognised. Finish flushes the file. Without a Key it does nothing.
func (d *Dir) Finish(name, key, sum string) error {
	if d.journal == nil {
		return nil
	}
	if err := d.journal.finish(name, key, sum); err != nil {
		return fmt.Errorf("atomicfile: %w", err)
	}
	return nil
}

// Commit flushes the folder to the disk and puts it in the target's place. On failure the target is untouched and
// the temporary folder removed. An error of Replace is returned as it is.
func (d *Dir) Commit() error {
	if d.done {
		return errors.New("atomicfile: folder was committed or closed before")
	}
	old, err := d.commit()
	if refused, ok := errors.AsType[*refusal](err); ok {
		return errors.Join(refused.why, d.Close())
	}
	if err != nil {
		return errors.Join(fmt.Errorf("atomicfile: %w", err), d.Close())
	}
	d.done = true
	defer d.drop()
	// The new folder is in place. What is left of the old one only takes space.
	if old == "" {
		return nil
	}
	if err := removeAll(old); err != nil {
		return fmt.Errorf("atomicfile: %s is in place, but the folder it replaced remains: %w", d.target, err)
	}
	return nil
}

// commit returns the name under which a replaced folder still lies, or "" if none was replaced.
func (d *Dir) commit() (old string, err error) {
	if d.journal != nil {
		if err := d.journal.end(); err != nil {
			return "", err
		}
		d.journal = nil
	}
	if err := syncTree(d.temp); err != nil {
		return "", err
	}
	for _, dir := range d.parents {
		if err := syncPath(filepath.Dir(dir)); err != nil {
			return "", err
		}
	}
	old, undo, err := d.place()
	if err != nil {
		return "", err
	}
	if err := syncPath(filepath.Dir(d.target)); err != nil {
		return "", errors.Join(err, undo())
	}
	return old, nil
}

// Close removes the temporary folder, and the parents that were made for it if they are empty, unless Commit
// succeeded. It may be called any number of times.
func (d *Dir) Close() error {
	if d.done {
		return nil
	}
	d.done = true
	var err error
	if d.temp != "" {
		err = removeAll(d.temp)
	}
	d.drop()
	removeParents(d.parents)
	return err
}

// Keep is Close, but it leaves the folder to a process that resumes. It reports whether there was anything to
// leave: a finished file.
func (d *Dir) Keep() bool {
	if d.done || d.journal == nil || len(d.journal.records) == 0 {
		_ = d.Close()
		return false
	}
	d.done = true
	d.drop()
	return true
}
