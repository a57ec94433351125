//go:build amd64 && !purego

package rans

// families are the names of the assembly that the CPU can run, the fastest first.
func families() (names []string) {
	if hasAVX512 {
		names = append(names, "AVX-512")
	}
	if hasAVX2 {
		names = append(names, "AVX2")
	}
	return names
}

// without runs a test as on a CPU that cannot run the first n families.
func without(n int, test func()) {
	for _, name := range families()[:n] {
		has := map[string]*bool{"AVX-512": &hasAVX512, "AVX2": &hasAVX2}[name]
		*has = false
		defer func() { *has = true }()
	}
	test()
}
