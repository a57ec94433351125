// Package shapes holds instances of the assembly decoder in shapes that the tests of package runtime want and no
// code book of a test happens to ask for: narrow and wide tables, one lane and many, with and
// without the slow path.
package shapes

import (
	"slices"

	"github.com/seed54244801/bespoke/runtime/kernel"
)

// Decoders returns the decoders, none in builds without assembly. Those of form Bytes need AVX2 and
// BMI2, those of form Slots AVX-512 with VBMI2 and BITALG besides.
func Decoders() []kernel.Decoder { return slices.Concat(avx512(), avx2()) }
