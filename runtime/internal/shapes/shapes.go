// Package shapes holds instances of the assembly decoder in shapes that the tests of package runtime want and no
// code book of a test happens to ask for: narrow and wide tables, one lane and many, with and
// without the slow path.
package shapes

import "github.com/seed54244801/bespoke/runtime/kernel"

// Decoders returns the decoders, none in builds without assembly. They need AVX2 and BMI2.
func Decoders() []kernel.Decoder { return avx2() }
