//go:build amd64 && !purego

package rans

// portably runs a test as on a CPU that cannot run the assembly.
func portably(test func()) {
	defer func(old bool) { hasAVX512 = old }(hasAVX512)
	hasAVX512 = false
	test()
}
