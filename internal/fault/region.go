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

// regions are all that are registered, by their addresses. A region stays mapped while the lock is held.
var regions struct {
	sync.RWMutex
	sorted []region
}

// find returns where the region of an address is in the list, or would be.
func find(address uintptr) (int, bool) {
	return slices.BinarySearchFunc(regions.sorted, address, func(r region, address uintptr) int {
		return cmp.Compare(r.start(), address)
	})
}

// Register tells that b, 1 byte or more, is the mapped content of the file at a path. [Unregister] must follow
// before b is unmapped.
func Register(path string, b []byte) {
	regions.Lock()
	defer regions.Unlock()
	r := region{path, b}
	i, _ := find(r.start())
	regions.sorted = slices.Insert(regions.sorted, i, r)
}

// Unregister takes back [Register] for the same bytes. It waits for guards that look into them.
func Unregister(b []byte) {
	regions.Lock()
	defer regions.Unlock()
	if i, ok := find((region{bytes: b}).start()); ok {
		regions.sorted = slices.Delete(regions.sorted, i, i+1)
	}
}

// at returns the error of a fault at an address, nil if it lies in no region.
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
