//go:build !amd64 || purego

package encode

import "testing"

// implementations runs a test with portable Go, all there is.
func implementations(t *testing.T, test func(t *testing.T)) { t.Run("impl=go", test) }
