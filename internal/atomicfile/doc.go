// Package atomicfile makes output appear whole or not at all.
//
// [NewDir] builds a folder and [Create] a file under a temporary name beside the target, on the same file system.
// Commit flushes it to the disk and renames it into place. Until then, and after any failure, the target is as it
// was. Close without Commit removes the temporary name, so the usual form is
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
// For a folder that does not exist, missing parents are made; they are removed again if the folder does not
// appear. An empty folder is replaced, and its permissions are kept. A link is followed. It is an error if a link
// leads nowhere, if there is a folder in place of a file, and if there is anything but a folder in place of a
// folder.
//
// # Durability
//
// All files and folders are flushed before the rename, and the rename after it. So after a crash of the system,
// too, the target is either as it was or whole. [StartFlush] lets the disk begin with a file while others are
// still being made.
//
// # Replacing
//
// An existing target that is not empty is an error that matches [fs.ErrExist], unless it may be replaced. A file
// is replaced by one rename. A folder is replaced if [Options].Replace returns no error. It is exchanged with the
// new one in a single step where the system can do that (Linux, on most file systems). Elsewhere the old folder is
// first renamed aside, and renamed back if the second rename fails. The old folder is deleted only after the new
// one is in its place.
//
// # What a killed process leaves
//
// A killed process leaves a hidden name ending in ".bespoke-tmp" beside the target, and the parents that it has
// made. The next NewDir or Create with the same target removes the name. A process holds a lock on its temporary
// name for as long as it lives, so a name whose lock can be taken is nobody's. Names of other users are left
// alone. If a folder was set aside, in a name ending in ".bespoke-old", and nothing is in its place, it is renamed
// back.
//
// Locks are those of flock. Where there are none (Windows, some network file systems) nothing is removed. If two
// machines write the same target on a shared file system at the same time, the file system must share locks.
//
// # Going on
//
// With [Options].Key a folder has a journal of its finished files. With [Options].Resume a folder continues that
// of an earlier process, if that process had the same key: see [Dir.Finished].
package atomicfile
