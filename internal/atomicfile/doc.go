// Package atomicfile makes output appear whole or not at all.
//
// [NewDir] builds a folder and [Create] a file under a temporary name beside the target, on the same
// file system. Commit flushes it to the disk and renames it into place; until then, and after any failure,
// the target is what it was. Close without Commit removes the temporary name, so the usual form is
//
//	d, err := atomicfile.NewDir(target, atomicfile.Options{})
//	if err != nil {
//		return err
//	}
//	defer d.Close()
//	… write below d.Path() …
//	return d.Commit()
//
// # Targets
//
// A folder that does not exist gets the parents it lacks, and loses them again if nothing comes of it. An
// empty folder is taken, permissions and all. A link is followed; one that leads nowhere
// is an error, as is a folder in place of a file and anything but a folder in place of a folder.
//
// # Durability
//
// All files and folders are flushed before the rename, and the rename after it. So after a crash of the
// system, too, the target is either what it was or whole. [StartFlush] lets the disk begin with a file while
// others are still being made.
//
// # Replacing
//
// An existing target that is not empty is an error that matches [fs.ErrExist], unless it may be replaced.
// A file is replaced by one rename. A folder is replaced when [Options].Replace has nothing against it, and
// exchanged with the new one in a single step where the system can (Linux, on most file systems). Elsewhere
// the old folder is first renamed aside, and renamed back should the second rename fail. The old folder is
// deleted only after the new one stands in its place.
//
// # What a killed process leaves
//
// A process that is killed outright leaves a hidden name ending in ".bespoke-tmp" beside the target, and the
// parents that it has made. The next NewDir or Create with the same target removes the
// name: whoever makes one holds a lock on it for as long as it lives, so a name whose lock can be taken is nobody's.
// Names of other users are left alone. Where a folder was set aside, in a name ending in ".bespoke-old", and
// nothing stands in its place, it is renamed back.
//
// Locks are those of flock. Where there are none (Windows, some network file systems) nothing is removed. Two
// machines that write the same target on a shared file system at the same time need one that shares locks.
//
// # Going on
//
// With [Options].Key a folder has a journal of the files that were finished, and with [Options].Resume it is
// what an earlier process left, if that had the same key: see [Dir.Finished].
package atomicfile
