package host

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os/exec"
	"sync"
	"time"

	"github.com/seed54244801/bespoke/codebook"
	"github.com/seed54244801/bespoke/internal/cuda/launch"
	"github.com/seed54244801/bespoke/internal/isolated"
)

// Untouched is the word that the output holds where no thread has written.
const Untouched = 0x5555

// timeout is how long one launch may take.
const timeout = 5 * time.Minute

// An Entry names a kernel of a source.
type Entry int

// The entries.
const (
	Decode      Entry = iota // the published kernel's
	Native                   // decode_native
	NativeTable              // decode_native_table
	Tiles                    // decode_tiles
	TilesTable               // decode_tiles_table
	Matvec                   // matvec
	MatvecTable              // matvec_table
)

// A Launch is one launch of a kernel on a unit. The kernel gets the sizes that the lengths of the
// tensors say; nothing is checked before.
type Launch struct {
	Stream *codebook.Stream
	// Entry is the kernel to launch; entries other than Decode get Unit for the number of the unit, and
	// those whose names end in Table get Table.
	Entry Entry
	Unit  int
	Table []byte
	// Product is what Matvec and MatvecTable compute.
	Product Product
	// Blocks is the size of the grid; 0 stands for what the entry asks for.
	Blocks int
	// SharedBytes is the dynamic shared memory; 0 stands for what the published caller gives.
	SharedBytes int
	// Rows is n_luts; 0 stands for the number of rows that Stream.Luts has.
	Rows int
	// Seed chooses the order of blocks and threads.
	Seed uint64
	// Offset moves every tensor but the output positions this many bytes away from an aligned address,
	// OutputOffset the output this many words.
	Offset, OutputOffset int
}

// A Product is that of a matrix, a part of the unit, with vectors.
type Product struct {
	First, Rows, Columns int      // the matrix
	X                    []uint16 // Columns numbers for each vector, bfloat16
	Batch                int      // how many vectors the kernel is told of
}

// PublishedShared returns the dynamic shared memory that the published caller gives: 512 words and one,
// and two bytes for every element of the largest chunk.
func PublishedShared(s *codebook.Stream) int {
	most := 0
	for p := s.OutputPositions; len(p) >= 8; p = p[4:] {
		most = max(most, int(binary.LittleEndian.Uint32(p[4:]))-int(binary.LittleEndian.Uint32(p)))
	}
	return 512*4 + 4 + 2*most
}

// A Kernel is a compiled kernel and the process that runs it.
type Kernel struct {
	program string
	folder  isolated.Folder

	mu     sync.Mutex
	word   uint64
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr bytes.Buffer
}

// Multiply runs a kernel that computes a product and returns it: Rows numbers for each vector.
func (k *Kernel) Multiply(l Launch) ([]float32, error) {
	words, err := k.Launch(l)
	return floats(words), err
}

// floats returns the numbers that words of output are.
func floats(words []uint16) []float32 {
	y := make([]float32, len(words)/2)
	for i := range y {
		y[i] = math.Float32frombits(uint32(words[2*i]) | uint32(words[2*i+1])<<16)
	}
	return y
}

// Launch runs the kernel on a unit and returns the output, one word an element. An error holds what a
// sanitizer or the driver had to say.
func (k *Kernel) Launch(l Launch) ([]uint16, error) {
	return k.serve(l.request(), l.words())
}

// serve sends a request and returns so many words of output.
func (k *Kernel) serve(request []byte, n int) ([]uint16, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.start(); err != nil {
		return nil, fmt.Errorf("host: %w", err)
	}
	timer := time.AfterFunc(timeout, func() { k.cmd.Process.Kill() })
	defer timer.Stop()
	out := make([]byte, 8+2*n)
	_, err := k.in.Write(request)
	if err == nil {
		_, err = io.ReadFull(k.out, out)
	}
	if err != nil {
		k.in.Close()
		end := k.cmd.Wait()
		report := bytes.TrimSpace(k.stderr.Bytes())
		k.cmd = nil
		return nil, fmt.Errorf("host: kernel did not end well (%v): %.6000s", end, report)
	}
	k.word = binary.LittleEndian.Uint64(out)
	words := make([]uint16, n)
	for i := range words {
		words[i] = binary.LittleEndian.Uint16(out[8+2*i:])
	}
	return words, nil
}

// ErrorWord returns the error word of the last launch.
func (k *Kernel) ErrorWord() uint64 { return k.word }

// words returns the size of the output.
func (l Launch) words() int {
	if l.Entry == Matvec || l.Entry == MatvecTable {
		return 2 * l.Product.Rows * l.Product.Batch
	}
	return l.Stream.Elements()
}

// blocks returns the size of the grid.
func (l Launch) blocks() int {
	if l.Blocks > 0 {
		return l.Blocks
	}
	tiles := launch.Launch{Threads: 256, Tiles: true}
	switch p := &l.Product; l.Entry {
	case Tiles, TilesTable:
		return tiles.Blocks(len(l.Stream.Encoded), l.Stream.Elements())
	case Matvec, MatvecTable:
		return tiles.ProductBlocks(p.First, p.Rows, p.Columns)
	}
	return l.Stream.Chunks()
}

// request is the launch in the form that driver.cpp reads.
func (l Launch) request() []byte {
	s := l.Stream
	shared, rows := l.SharedBytes, l.Rows
	if shared == 0 {
		shared = PublishedShared(s)
	}
	if rows == 0 {
		rows = len(s.Luts) / 256
	}
	var b []byte
	for _, v := range []int{
		int(l.Seed), int(l.Entry), l.blocks(), shared, l.Offset, l.OutputOffset,
		rows, len(s.Encoded), s.Elements(), l.Unit, l.words(),
		l.Product.First, l.Product.Rows, l.Product.Columns, l.Product.Batch,
	} {
		b = binary.LittleEndian.AppendUint64(b, uint64(v))
	}
	x := make([]byte, 0, 2*len(l.Product.X))
	for _, v := range l.Product.X {
		x = binary.LittleEndian.AppendUint16(x, v)
	}
	for _, t := range [][]byte{s.Luts, s.Encoded, s.SignMantissa, s.OutputPositions, s.Gaps, s.Tiles, x, l.Table} {
		b = binary.LittleEndian.AppendUint64(b, uint64(len(t)))
		b = append(b, t...)
	}
	return b
}

// start starts the process unless it runs already.
func (k *Kernel) start() error {
	if k.cmd != nil {
		return nil
	}
	cmd := k.folder.Command(context.Background(), k.program)
	cmd.Env = append(cmd.Env, "ASAN_OPTIONS=detect_leaks=0", "UBSAN_OPTIONS=print_stacktrace=1")
	k.stderr.Reset()
	cmd.Stderr = &k.stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	k.cmd, k.in, k.out = cmd, in, bufio.NewReader(out)
	return nil
}

// Close ends the process, if it runs.
func (k *Kernel) Close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cmd == nil {
		return
	}
	k.in.Close()
	k.cmd.Wait()
	k.cmd = nil
}
