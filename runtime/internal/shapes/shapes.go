// Package shapes has decoders of windows of shapes that the runtime and the generated packages here lack, for tests: a book
// may ask for them.
package shapes

import "github.com/seed54244801/bespoke/runtime/kernel"

// Windows lists the decoders, none in builds without assembly.
func Windows() []kernel.WindowDecoder { return avx512() }
