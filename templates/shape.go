package templates

import "fmt"

// A Shape holds the parameters of the kernels that affect only their speed, no result.
type Shape struct {
	// TableBits is the number of bits of the index of the multi-symbol tables.
	TableBits int `json:"table_bits"`
	// EntryDigits is the largest number of exponents in a table entry.
	EntryDigits int `json:"entry_digits"`
	// Lookups is the number of lookups for a window on the straight path.
	Lookups int `json:"lookups"`
	// Windows is the number of windows that a thread of decode_native decodes.
	Windows int `json:"windows"`
	// MergeSteps is the number of merge steps, of eight weights each, that are prepared for each window of a
	// thread.
	MergeSteps int `json:"merge_steps"`
	// LaneLookups is the number of lookups for a lane of a tile on the straight path, a multiple of FlushLookups.
	LaneLookups int `json:"lane_lookups"`
}

// Bounds of the shape.
const (
	MinTableBits   = 11 // with fewer, not every thread of a thread block has a part to fetch
	MaxTableBits   = 12
	MaxEntryDigits = 5 // an entry has room for so many
	MaxLookups     = 8 // more could consume as many bits as the mark of an unknown length
	MaxWindows     = 2
	MaxMergeSteps  = 4

	FlushLookups   = 3  // lookups of a lane after which full words of digits are stored
	MaxLaneLookups = 30 // more lookups give more digits, which take more shared memory
)

// Validate reports the first parameter that is out of bounds.
func (s *Shape) Validate() error {
	for _, p := range []struct {
		name             string
		value, low, high int
	}{
		{"bits of the table", s.TableBits, MinTableBits, MaxTableBits},
		{"digits an entry", s.EntryDigits, 1, MaxEntryDigits},
		{"lookups a window", s.Lookups, 1, MaxLookups},
		{"windows a thread", s.Windows, 1, MaxWindows},
		{"merge steps a window", s.MergeSteps, 1, MaxMergeSteps},
		{"lookups a lane", s.LaneLookups, FlushLookups, MaxLaneLookups},
	} {
		if p.value < p.low || p.value > p.high {
			return fmt.Errorf("templates: %d %s, want %d to %d", p.value, p.name, p.low, p.high)
		}
	}
	if s.LaneLookups%FlushLookups != 0 {
		return fmt.Errorf("templates: %d lookups a lane, want a multiple of %d", s.LaneLookups, FlushLookups)
	}
	return nil
}

// NativeThreads is the number of threads of a thread block of decode_native.
func (s *Shape) NativeThreads() int { return chunkWindows / s.Windows }

// NativeBlocks is the number of thread blocks of decode_native for which a multiprocessor has registers: 64
// registers a thread.
func (s *Shape) NativeBlocks() int { return nativeThreads / s.NativeThreads() }

const (
	chunkWindows  = 512
	nativeThreads = 1024 // on a multiprocessor
)
