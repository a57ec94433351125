package host_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/seed54244801/bespoke/emit"
	"github.com/seed54244801/bespoke/internal/cuda/host"
	"github.com/seed54244801/bespoke/internal/cuda/launch"
	"github.com/seed54244801/bespoke/internal/testenv"
	"github.com/seed54244801/bespoke/rans"
)

var ransSource = sync.OnceValues(emit.CUDARans)

func ransKernel(t testing.TB) *host.Kernel {
	t.Helper()
	source, err := ransSource()
	if err != nil {
		t.Fatal(err)
	}
	return host.Compile(t, source)
}

var ransForms = []rans.Form{rans.Exponent, rans.Joint}

// ransStream codes weights, with a table for these.
func ransStream(t testing.TB, f rans.Form, weights []uint16, blockWeights int) *rans.Stream {
	t.Helper()
	counts := make([]uint64, f.Symbols())
	for _, w := range weights {
		counts[f.Symbol(w)]++
	}
	table, err := rans.NewTable(f, counts)
	if err != nil {
		t.Fatal(err)
	}
	s, err := rans.Encode(f, table, weights, blockWeights)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ransInput(t testing.TB, s *rans.Stream, steps int) host.RansInput {
	t.Helper()
	p, err := s.Splits(steps)
	if err != nil {
		t.Fatal(err)
	}
	return host.RansInput{Stream: s, Splits: p}
}

// checkRans launches and wants the weights.
func checkRans(t testing.TB, k *host.Kernel, l host.RansLaunch, want []uint16) {
	t.Helper()
	got, err := k.LaunchRans(l)
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("weight %d of %d is %#04x, want %#04x; error word %#x", i, len(want), got[i], want[i], k.ErrorWord())
		}
	}
	if w := k.ErrorWord(); w != 0 {
		t.Fatalf("error word %#x", w)
	}
}

// normals returns n weights of a normal distribution.
func normals(seed uint64, n int) []uint16 {
	r := rand.New(rand.NewPCG(seed, 6))
	w := make([]uint16, n)
	for i := range w {
		w[i] = uint16(math.Float32bits(float32(0.02*r.NormFloat64())) >> 16)
	}
	return w
}

// words returns all bfloat16 words, in no order.
func words() []uint16 {
	w := make([]uint16, 1<<16)
	for i := range w {
		w[i] = uint16(i)
	}
	r := rand.New(rand.NewPCG(7, 7))
	r.Shuffle(len(w), func(i, j int) { w[i], w[j] = w[j], w[i] })
	return w
}

// TestRans decodes matrices of many kinds and sizes.
func TestRans(t *testing.T) {
	t.Parallel()
	k := ransKernel(t)
	for _, c := range []struct {
		name                string
		weights             []uint16
		blockWeights, steps int
	}{
		{"one weight", []uint16{0xc001}, 64, 4},
		{"63", normals(1, 63), 64, 1},
		{"64", normals(2, 64), 64, 1},
		{"65", normals(3, 65), 128, 1},
		{"three splits", normals(4, 64*20), 1 << 18, 8},
		{"one split", normals(5, 64*20+5), 1 << 18, 64},
		{"odd blocks", normals(6, 3001), 777, 2},
		{"last split short", normals(7, 64*130), 64 * 52, 16},
		{"one symbol", slices.Repeat([]uint16{0x3f81}, 5000), 2048, 8},
		{"patterns", words(), 1 << 14, 64},
		{"normal", normals(8, testenv.Pick(40_000, 400_000)), 1 << 14, 64},
		{"nothing in front", append(make([]uint16, 2000), normals(9, 2000)...), 1 << 18, 16},
	} {
		for _, f := range ransForms {
			t.Run(fmt.Sprintf("%s, %v", c.name, f), func(t *testing.T) {
				in := ransInput(t, ransStream(t, f, c.weights, c.blockWeights), c.steps)
				l := host.RansLaunch{Matrices: []host.RansInput{in}, Number: 5}
				for i := range 3 {
					l.Seed, l.Offset, l.OutputOffset = uint64(i), i%2*3, i/2
					checkRans(t, k, l, c.weights)
				}
			})
		}
	}
}

// TestRansSeveral decodes several matrices in one launch.
func TestRansSeveral(t *testing.T) {
	t.Parallel()
	k := ransKernel(t)
	for _, f := range ransForms {
		var l host.RansLaunch
		var want []uint16
		for i, n := range []int{100, 64, 5000, 1, 20_000, 3} {
			weights := normals(uint64(i), n)
			l.Matrices = append(l.Matrices, ransInput(t, ransStream(t, f, weights, 4096), 16))
			want = append(want, weights...)
		}
		checkRans(t, k, l, want)
	}
}

// checkRansDamaged launches on a damaged stream with the splits of a sound one, and reports whether that shows. A fault has
// to be told unless the weights are right, or all that the reference finds is another checksum.
func checkRansDamaged(t *testing.T, k *host.Kernel, in host.RansInput, seed uint64, want []uint16) (failed bool) {
	t.Helper()
	const number = 3
	got, err := k.LaunchRans(host.RansLaunch{Matrices: []host.RansInput{in}, Number: number, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	var told *launch.RansError
	errors.As(launch.ParseRansError(k.ErrorWord()), &told)
	if told != nil && told.Matrix != number {
		t.Fatalf("matrix %d, want %d", told.Matrix, number)
	}
	if told == nil && !slices.Equal(got, want) {
		// Only the checksum tells.
		var fault *rans.BlockError
		if _, err := rans.Decode(in.Stream); !errors.As(err, &fault) || fault.Cause != rans.BadSum {
			t.Fatalf("other weights and no error, the reference says %v", err)
		}
		return true
	}
	return told != nil
}

// ransCauses are the causes of the reference as kernels have them.
var ransCauses = map[rans.Cause]launch.Cause{
	rans.BadState: launch.StateStart, rans.WordsEnd: launch.WordsEnd, rans.WordsLeft: launch.WordsLeft,
	rans.BadEnd: launch.StateEnd, rans.BadPatch: launch.PatchPlace,
}

// blockSplits makes splits of whole blocks from what the stream says, right or wrong.
func blockSplits(t *testing.T, s *rans.Stream) *rans.Splits {
	t.Helper()
	_, layout, err := s.Validate()
	if err != nil {
		t.Fatal(err)
	}
	p := &rans.Splits{Steps: (s.BlockWeights + rans.States - 1) / rans.States}
	for i := range s.Len() {
		b := s.Block(layout, i)
		states, _ := b.Start()
		p.States = append(p.States, states[:]...)
		p.Positions = append(p.Positions, uint32(layout[i]+len(b.States)+len(b.Patches))/2)
	}
	return p
}

// cloneStream returns a copy whose slices may be changed.
func cloneStream(s *rans.Stream) *rans.Stream {
	c := *s
	c.Table, c.Index, c.Blocks, c.Plane = slices.Clone(s.Table), slices.Clone(s.Index), slices.Clone(s.Blocks), slices.Clone(s.Plane)
	return &c
}

// TestRansCauses compares the faults of single blocks with those of the reference.
func TestRansCauses(t *testing.T) {
	t.Parallel()
	k := ransKernel(t)
	for _, f := range ransForms {
		weights := append(words()[:300], normals(21, 700)...)
		sound := ransStream(t, f, weights, 2000)
		_, layout, err := sound.Validate()
		if err != nil {
			t.Fatal(err)
		}
		block := sound.Block(layout, 0)
		patches, index := 256, func(s *rans.Stream) []byte { return s.Index }
		count := func(s *rans.Stream, at int, by int) {
			binary.LittleEndian.PutUint32(index(s)[at:], uint32(int(binary.LittleEndian.Uint32(index(s)[at:]))+by))
		}
		seen := map[rans.Cause]bool{}
		for name, change := range map[string]func(s *rans.Stream){
			"nothing":          func(*rans.Stream) {},
			"states":           func(s *rans.Stream) { clear(s.Blocks[128:256]) },
			"one state":        func(s *rans.Stream) { s.Blocks[7] ^= 1 },
			"fewer words":      func(s *rans.Stream) { count(s, 0, -2); s.Blocks = s.Blocks[:len(s.Blocks)-4] },
			"more words":       func(s *rans.Stream) { count(s, 0, 2); s.Blocks = append(s.Blocks, 0, 0, 0, 0) },
			"a word":           func(s *rans.Stream) { s.Blocks[patches+len(block.Patches)+40] ^= 4 },
			"the last word":    func(s *rans.Stream) { s.Blocks[patches+len(block.Patches)+len(block.Words)-1] ^= 4 },
			"places exchanged": func(s *rans.Stream) { s.Blocks[patches] ^= 128 },
			"places alike":     func(s *rans.Stream) { copy(s.Blocks[patches+4:patches+8], s.Blocks[patches:patches+4]) },
			"a place outside":  func(s *rans.Stream) { s.Blocks[patches+len(block.Patches)-2] |= 0x40 },
			"a symbol":         func(s *rans.Stream) { s.Blocks[patches+3] |= 0x80 },
			"the plane":        func(s *rans.Stream) { s.Plane[5] ^= 1 },
		} {
			t.Run(fmt.Sprintf("%v, %s", f, name), func(t *testing.T) {
				s := cloneStream(sound)
				change(s)
				in := host.RansInput{Stream: s, Splits: blockSplits(t, s)}
				if _, err := k.LaunchRans(host.RansLaunch{Matrices: []host.RansInput{in}}); err != nil {
					t.Fatal(err)
				}
				var want error
				var fault *rans.BlockError
				if _, err := rans.Decode(s); errors.As(err, &fault) && fault.Cause != rans.BadSum {
					want = &launch.RansError{Cause: ransCauses[fault.Cause]}
					seen[fault.Cause] = true
				}
				if got := launch.ParseRansError(k.ErrorWord()); fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("error is %v, want %v", got, want)
				}
			})
		}
		for cause := range ransCauses {
			if !seen[cause] && testenv.Long() {
				t.Errorf("%v: no stream is damaged so that %v", f, cause)
			}
		}
	}
}

// restoreStates gives the blocks of a damaged stream their states back: kernels have those of the splits.
func restoreStates(t *testing.T, damaged, sound *rans.Stream) {
	t.Helper()
	_, layout, err := sound.Validate()
	if err != nil {
		t.Fatal(err)
	}
	for i := range sound.Len() {
		copy(damaged.Blocks[layout[i]:], sound.Block(layout, i).States)
	}
}

// TestRansHostile changes bits of every tensor, those of splits and of the table among them.
func TestRansHostile(t *testing.T) {
	t.Parallel()
	k := ransKernel(t)
	weights := append(normals(31, 3000), words()[:300]...)
	for _, f := range ransForms {
		sound := ransInput(t, ransStream(t, f, weights, 1500), 4)
		for part, name := range []string{"index", "blocks", "plane", "states", "positions", "table"} {
			t.Run(fmt.Sprintf("%v, %s", f, name), func(t *testing.T) {
				r := rand.New(rand.NewPCG(uint64(part), 32))
				failed, rounds := 0, testenv.Pick(12, 100)
				for round := range rounds {
					in := host.RansInput{Stream: cloneStream(sound.Stream), Splits: &rans.Splits{
						Steps: sound.Splits.Steps, States: slices.Clone(sound.Splits.States), Positions: slices.Clone(sound.Splits.Positions),
					}}
					for range 1 + r.IntN(3) {
						switch name {
						case "states":
							in.Splits.States[r.IntN(len(in.Splits.States))] ^= 1 << r.IntN(32)
						case "positions":
							in.Splits.Positions[r.IntN(len(in.Splits.Positions))] ^= 1 << r.IntN(32)
						case "table":
							in.Table = make([]byte, launch.RansTableBytes)
							for i := range in.Table {
								in.Table[i] = byte(r.Uint32())
							}
						default:
							b := [][]byte{in.Stream.Index, in.Stream.Blocks, in.Stream.Plane}[part]
							b[r.IntN(len(b))] ^= 1 << r.IntN(8)
						}
					}
					restoreStates(t, in.Stream, sound.Stream)
					if name == "table" || name == "index" || name == "plane" { // no access leaves its tensor
						if _, err := k.LaunchRans(host.RansLaunch{Matrices: []host.RansInput{in}, Seed: uint64(round)}); err != nil {
							t.Fatal(err)
						}
						failed++
					} else if checkRansDamaged(t, k, in, uint64(round), weights) {
						failed++
					}
				}
				if failed < rounds/2 {
					t.Errorf("%d of %d are found", failed, rounds)
				}
			})
		}
	}
}

// TestRansSizes hands the kernel counts of words and patches that are not there.
func TestRansSizes(t *testing.T) {
	t.Parallel()
	k := ransKernel(t)
	weights := append(words()[:300], normals(81, 900)...)
	sound := ransInput(t, ransStream(t, rans.Exponent, weights, 600), 4)
	for _, c := range []struct {
		name      string
		at        int // in the index
		by        uint32
		positions int
		split     int
	}{
		{"words that are not there", 16, 5, 0, 3},
		{"patches that are not there", 4, 1, 0, 0},
		{"more words than there are numbers", 0, 1 << 31, 0, 0},
		{"patches before the first block", 4, 0, -2, 0},
		{"patches before the second block", 20, 2000, 0, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := host.RansInput{Stream: cloneStream(sound.Stream), Splits: &rans.Splits{
				Steps: sound.Splits.Steps, States: sound.Splits.States, Positions: slices.Clone(sound.Splits.Positions),
			}}
			index := in.Stream.Index
			binary.LittleEndian.PutUint32(index[c.at:], binary.LittleEndian.Uint32(index[c.at:])+c.by)
			in.Splits.Positions[0] += uint32(c.positions)
			if _, err := k.LaunchRans(host.RansLaunch{Matrices: []host.RansInput{in}}); err != nil {
				t.Fatal(err)
			}
			var got *launch.RansError
			if !errors.As(launch.ParseRansError(k.ErrorWord()), &got) || got.Cause != launch.Sizes || got.Split/3 != c.split/3 {
				t.Errorf("error is %v", got)
			}
		})
	}
}

// TestRansNoise decodes noise: words, states and patches of any bits.
func TestRansNoise(t *testing.T) {
	t.Parallel()
	k := ransKernel(t)
	r := rand.New(rand.NewPCG(41, 42))
	for _, f := range ransForms {
		weights := append(normals(43, 3000), words()[:300]...)
		for round := range testenv.Pick(4, 40) {
			in := ransInput(t, ransStream(t, f, weights, 1500), 8)
			for i := range in.Stream.Blocks {
				in.Stream.Blocks[i] = byte(r.Uint32())
			}
			if round%2 == 0 {
				for i := range in.Splits.States {
					in.Splits.States[i] = r.Uint32() | 1<<16
				}
			}
			if _, err := k.LaunchRans(host.RansLaunch{Matrices: []host.RansInput{in}, Seed: uint64(round)}); err != nil {
				t.Fatal(err)
			}
			if k.ErrorWord() == 0 {
				t.Error("noise is no error")
			}
		}
	}
}
