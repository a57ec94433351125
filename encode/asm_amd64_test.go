//go:build amd64 && !purego

package encode

// portable runs a test as on a CPU that cannot run the assembly.
func portable(test func()) {
	defer func(old bool) { hasAVX2 = old }(hasAVX2)
	hasAVX2 = false
	test()
}
