// Package atomicfile makes output appear whole or not at all.
//
// [NewDir] builds a folder and [Create] a file under a temporary name beside the target, on the same
// file system. Commit renames it into place; until then, and after any failure, the target is what it was.
// Close without Commit removes the temporary name, so the usual form is
//
//	d, err := atomicfile.NewDir(target, force)
//	if err != nil {
//		return err
//	}
//	defer d.Close()
//	… write below d.Path() …
//	return d.Commit()
//
// # Durability
//
// A folder may hold many gigabytes, and what it was made from is still there. So a new folder is renamed
// without waiting for the disk, as cp does not wait either: after a crash of the system within the next half
// minute or so it may hold files that are cut short. Where a folder is replaced, the new one is flushed to the
// disk before the old one is deleted. A file is always flushed.
//
// # Replacing
//
// Without replace an existing target is an error that matches [fs.ErrExist]. With it, a file is replaced
// by one rename. A folder is exchanged with the new one in a single step where the system can (Linux);
// elsewhere the old folder is first renamed aside, and renamed back should the second rename fail. The
// old folder is deleted only after the new one stands in its place.
//
// A process that is killed outright leaves a hidden name ending in ".bespoke-tmp" beside the target and
// nothing else.
package atomicfile
