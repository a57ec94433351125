package host_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/emit"
	"github.com/seed54244801/bespoke/internal/cuda/host"
	"github.com/seed54244801/bespoke/internal/cuda/launch"
	"github.com/seed54244801/bespoke/internal/testenv"
)

var tableSource = sync.OnceValues(emit.CUDATable)

// tableKernel compiles the table-driven kernels.
func tableKernel(t testing.TB) *host.Kernel {
	t.Helper()
	source, err := tableSource()
	if err != nil {
		t.Fatal(err)
	}
	return host.Compile(t, source)
}

// tableOf returns the table argument for a stream.
func tableOf(t testing.TB, s *codebook.Stream) []byte {
	t.Helper()
	table, err := launch.TableArgument(s.Luts)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// own names the entries that report errors, and how they are compiled and launched for a book.
var own = []struct {
	name    string
	compile func(testing.TB, *kind) *host.Kernel
	launch  func(testing.TB, *codebook.Stream) host.Launch
}{
	{
		"decode_native",
		func(t testing.TB, c *kind) *host.Kernel { return c.kernel(t) },
		func(t testing.TB, s *codebook.Stream) host.Launch {
			return host.Launch{Stream: s, Entry: host.Native, Unit: 7}
		},
	},
	{
		"decode_native_table",
		func(t testing.TB, _ *kind) *host.Kernel { return tableKernel(t) },
		func(t testing.TB, s *codebook.Stream) host.Launch {
			return host.Launch{Stream: s, Entry: host.NativeTable, Unit: 7, Table: tableOf(t, s)}
		},
	},
}

// TestOwnEntries decodes units of many sizes and kinds, at full speed and with little shared memory.
func TestOwnEntries(t *testing.T) {
	t.Parallel()
	for _, c := range kinds() {
		for _, e := range own {
			t.Run(e.name+", "+c.name, func(t *testing.T) {
				k := e.compile(t, &c)
				for i, n := range testenv.Pick([]int{0, 31, 300, len(c.weights)}, []int{0, 1, 31, 300, 6000, len(c.weights)}) {
					s := encode(t, c.book, c.weights[:n])
					l := e.launch(t, s)
					l.Seed, l.SharedBytes, l.Offset, l.OutputOffset = uint64(n), i%2*(generous(s)+32768), i/2%2*4*i, 8*i%9
					check(t, k, l, c.weights[:n])
					if w := k.ErrorWord(); w != 0 {
						t.Fatalf("%d weights: error word %#x", n, w)
					}
					l.Offset, l.OutputOffset, l.SharedBytes = 0, 0, generous(s)+32768
					check(t, k, l, c.weights[:n])
				}
			})
		}
	}
}

// TestOtherTable hands the table of one book for a unit of another.
func TestOtherTable(t *testing.T) {
	t.Parallel()
	weights := common().weights[:20000]
	s, other := encode(t, common().book, weights), must(t)(codebook.Published(histogram(weights)))
	check(t, tableKernel(t), host.Launch{
		Stream: s, Entry: host.NativeTable, Table: tableOf(t, encode(t, other, weights)), SharedBytes: generous(s) + 16384,
	}, weights)
}

// TestErrorWord breaks units and wants to be told what and where.
func TestErrorWord(t *testing.T) {
	t.Parallel()
	weights, b := common().weights, common().book
	for _, e := range own {
		k := e.compile(t, common())
		for _, c := range []struct {
			name string
			edit func(*codebook.Stream)
			want launch.Error
		}{
			{"gap", func(s *codebook.Stream) { s.Gaps[320+100] ^= 0x3c }, launch.Error{Cause: launch.WindowEnd, Unit: 7, Chunk: 1}},
			{"position", func(s *codebook.Stream) { s.OutputPositions[8]++ }, launch.Error{Cause: launch.ElementCount, Unit: 7, Chunk: 2}},
		} {
			t.Run(e.name+", "+c.name, func(t *testing.T) {
				s := encode(t, b, weights)
				l := e.launch(t, s)
				c.edit(s)
				chunks := map[int]bool{}
				for seed := range uint64(6) { // the first report stays, and blocks run in any order
					l.Seed = seed
					got, err := k.Launch(l)
					if err != nil {
						t.Fatal(err)
					}
					var report *launch.Error
					if err := launch.ParseError(k.ErrorWord()); !errors.As(err, &report) {
						t.Fatalf("error word %#x", k.ErrorWord())
					}
					if report.Cause != c.want.Cause || report.Unit != c.want.Unit {
						t.Errorf("got %v, want %v", report, &c.want)
					}
					chunks[report.Chunk] = true
					if !slices.Contains(got, poison) {
						t.Error("no weight is NaN")
					}
				}
				if !chunks[c.want.Chunk] {
					t.Errorf("chunks %v, want %d among them", chunks, c.want.Chunk)
				}
			})
		}
	}
}

// TestOwnHostile changes bytes of every tensor, and of the table.
func TestOwnHostile(t *testing.T) {
	t.Parallel()
	weights, b := common().weights[:16000], common().book
	for _, e := range own {
		k := e.compile(t, common())
		for tensor := range 5 {
			t.Run(fmt.Sprintf("%s, tensor %d", e.name, tensor), func(t *testing.T) {
				for round := range testenv.Pick(10, 12) {
					s := encode(t, b, weights)
					l := e.launch(t, s)
					damage([][]byte{s.Luts, s.Encoded, s.OutputPositions, s.Gaps, l.Table}[tensor], round)
					l.Seed, l.SharedBytes = uint64(round), 65536
					if tensor == 4 { // nothing makes a table right but its builder
						if _, err := k.Launch(l); err != nil {
							t.Fatal(err)
						}
						continue
					}
					hostile(t, k, l)
				}
			})
		}
	}
}

// TestNoSuchCode puts bits that begin no code into units, and wants to be told.
func TestNoSuchCode(t *testing.T) {
	t.Parallel()
	other := common().kernel(t)
	if testenv.Long() {
		other = kernelOfKinds(t, 1)
	}
	for _, c := range kinds()[:4] {
		for name, k := range map[string]*host.Kernel{"own": c.kernel(t), "other": other, "table": tableKernel(t)} {
			t.Run(c.name+", "+name, func(t *testing.T) {
				told := 0
				for seed := range testenv.Pick[uint64](8, 20) {
					s := encode(t, c.book, c.weights[:9000])
					overwrite(s.Encoded, int(seed*997)%(8*len(s.Encoded)-64), c.book.EndOfStream())
					want := make([]uint16, s.Elements())
					var broken *codebook.StreamError
					if !errors.As(codebook.Decode(want, s), &broken) || broken.Cause != codebook.NoSuchCode {
						continue
					}
					told++
					l := host.Launch{Stream: s, Seed: seed, SharedBytes: generous(s) + 16384}
					if seed%2 == 0 {
						l.Entry = host.Native
					}
					if name == "table" {
						l.Entry, l.Table = host.NativeTable, tableOf(t, s)
					}
					got, err := k.Launch(l)
					if err != nil {
						t.Fatal(err)
					}
					if first, _ := s.ChunkStart(broken.Chunk); got[first] != poison {
						t.Errorf("seed %d: weights from a chunk with bits that begin no code", seed)
					}
				}
				if told < testenv.Pick(2, 5) {
					t.Errorf("only %d units are broken", told)
				}
			})
		}
	}
}

// overwrite puts a code at a bit.
func overwrite(stream []byte, bit int, c codebook.Code) {
	for i := range int(c.Length) {
		mask := byte(0x80) >> ((bit + i) % 8)
		stream[(bit+i)/8] &^= mask
		if c.Bits>>(int(c.Length)-1-i)&1 != 0 {
			stream[(bit+i)/8] |= mask
		}
	}
}

// TestStreamEnd lets the stream go on behind the last code, and end before it does.
func TestStreamEnd(t *testing.T) {
	t.Parallel()
	weights, b := common().weights[:30000], common().book
	for _, e := range own {
		k := e.compile(t, common())
		for _, n := range []int{1, 7, 100, 6100, 6200, 30000} {
			t.Run(fmt.Sprintf("%s, %d weights", e.name, n), func(t *testing.T) {
				for change := -3; change < 40; change += testenv.Pick(3, 1) {
					s := encode(t, b, weights[:n])
					s.Encoded = append(s.Encoded[:max(1, len(s.Encoded)+min(0, change))], make([]byte, max(0, change))...)
					want := s.Validate()
					if want == nil {
						want = codebook.Decode(make([]uint16, n), s)
					} else if s.Chunks() != len(s.Gaps)/320 {
						continue
					}
					l := e.launch(t, s)
					l.Seed, l.SharedBytes = uint64(change), 65536
					if _, err := k.Launch(l); err != nil {
						t.Fatal(err)
					}
					if got := launch.ParseError(k.ErrorWord()); (got == nil) != (want == nil) {
						t.Errorf("%+d bytes: %v, want %v", change, got, want)
					}
				}
			})
		}
	}
}

// TestFirstGap lets the first code start behind the first bit, which no window before it can tell.
func TestFirstGap(t *testing.T) {
	t.Parallel()
	c := common()
	for _, n := range testenv.Pick([]int{1, 501, 12531}, []int{1, 100, 501, 2506, 12531}) {
		for bit := 3; bit < 8; bit += testenv.Pick(2, 1) {
			s := encode(t, c.book, c.weights[:n])
			s.Gaps[0] ^= 1 << bit
			for _, l := range []host.Launch{
				{Stream: s}, {Stream: s, SharedBytes: generous(s)}, {Stream: s, Entry: host.Native},
				{Stream: s, Entry: host.NativeTable, Table: tableOf(t, s)},
			} {
				k := bookKernel(t, c.book)
				if l.Table != nil {
					k = tableKernel(t)
				}
				got, err := k.Launch(l)
				if err != nil {
					t.Fatal(err)
				}
				if l.Entry != host.Decode && k.ErrorWord() == 0 {
					t.Errorf("entry %d, %d weights, bit %d: no error", l.Entry, n, bit)
				}
				if got[0] != poison {
					t.Errorf("entry %d, %d weights, bit %d: weights", l.Entry, n, bit)
				}
			}
		}
	}
}

// TestBrokenTables hands tables that no builder makes: with a pad that decodes, and with digits without a length.
func TestBrokenTables(t *testing.T) {
	t.Parallel()
	c := common()
	s := encodeTiles(t, c.book, c.weights[:20000])
	k := tableKernel(t)
	for _, tc := range []struct {
		name string
		edit func(table []byte)
	}{
		{"pad of zeros", func(table []byte) { clear(table[8:12]) }},
		{"digits without a length", func(table []byte) {
			for i := 0; i < 4<<launch.TableBits; i += 256 {
				binary.LittleEndian.PutUint32(table[16+i:], 1<<12|4<<5)
			}
		}},
	} {
		for _, entry := range []host.Entry{host.NativeTable, host.TilesTable, host.MatvecTable} {
			t.Run(fmt.Sprintf("%s, entry %d", tc.name, entry), func(t *testing.T) {
				l := host.Launch{Stream: s, Entry: entry, Table: tableOf(t, s)}
				if entry == host.MatvecTable {
					l.Product = host.Product{Rows: 9, Columns: 2048, Batch: 1, X: vectors(1, 2048)}
				}
				tc.edit(l.Table)
				if _, err := k.Launch(l); err != nil {
					t.Error(err)
				}
			})
		}
	}
}
