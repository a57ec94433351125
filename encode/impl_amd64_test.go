//go:build amd64 && !purego

package encode

import "testing"

// implementations runs a test with the assembly, where the CPU can run it, and with portable Go.
func implementations(t *testing.T, test func(t *testing.T)) {
	defer func(old bool) { hasAVX2 = old }(hasAVX2)
	if hasAVX2 {
		t.Run("impl=avx2", test)
	}
	hasAVX2 = false
	t.Run("impl=go", test)
}
