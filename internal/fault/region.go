package fault

import (
	"cmp"
	"slices"
	"sync"
	"unsafe"
)

// A region is a mapped file.
type region struct {
	path  string
	bytes []byte
}

// start is the address of the first byte.
func (r region) start() uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(r.bytes))) }

// regions are all registered regions, ordered by address. A region stays mapped while the lock is held.
var regions struct {
	sync.RWMutex
	sorted []region
}

// find returns the place in the list of the region that begins at an address, or the place where it would be.
func find(address uintptr) (int, bool) {
	return slices.BinarySearchFunc(regions.sorted, address, func(r region, address uintptr) int {
		return cmp.Compare(r.start(), address)
	})
}

// Register says that b, 1 byte or more, is the mapped content of the file at path. [Unregister] must follow before
// b is unmapped.
func Register(path string, b []byte) {
	regions.Lock()
	defer regions.Unlock()
	r := region{path, b}
	i, _ := find(r.start())
	regions.sorted = slices.Insert(regions.sorted, i, r)
}

// Unregister undoes [Register] for the same bytes. It waits for guards that are looking at them.
func Unregister(b []byte) {
	regions.Lock()
	defer regions.Unlock()
	if i, ok := find((region{bytes: b}).start()); ok {
		regions.sorted = slices.Delete(regions.sorted, i, i+1)
	}
}

// at returns the error of a fault at an address, or nil if the address lies in no region.
func at(address uintptr) *Error {
	regions.RLock()
	defer regions.RUnlock()
	i, found := find(address)
	if !found {
		i--
	}
	if i < 0 || address-regions.sorted[i].start() >= uintptr(len(regions.sorted[i].bytes)) {
		return nil
	}
	r := regions.sorted[i]
	return &Error{Path: r.path, Offset: int64(address - r.start())}
}
