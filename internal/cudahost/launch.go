package cudahost

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/seed54244801/bespoke/codebook"
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
)

// A Launch is one launch of a kernel on a unit. The kernel gets the sizes that the lengths of the
// tensors say; nothing is checked before.
type Launch struct {
	Stream *codebook.Stream
	// Entry is the kernel to launch; entries other than Decode get Unit for the number of the unit, and
	// NativeTable gets Table.
	Entry Entry
	Unit  int
	Table []byte
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

	mu     sync.Mutex
	word   uint64
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr bytes.Buffer
}

// Launch runs the kernel on a unit and returns the output, one word an element. An error holds what a
// sanitizer or the driver had to say.
func (k *Kernel) Launch(l Launch) ([]uint16, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.start(); err != nil {
		return nil, fmt.Errorf("cudahost: %w", err)
	}
	timer := time.AfterFunc(timeout, func() { k.cmd.Process.Kill() })
	defer timer.Stop()
	out := make([]byte, 8+2*l.Stream.Elements())
	_, err := k.in.Write(l.request())
	if err == nil {
		_, err = io.ReadFull(k.out, out)
	}
	if err != nil {
		k.in.Close()
		end := k.cmd.Wait()
		report := bytes.TrimSpace(k.stderr.Bytes())
		k.cmd = nil
		return nil, fmt.Errorf("cudahost: kernel did not end well (%v): %.6000s", end, report)
	}
	k.word = binary.LittleEndian.Uint64(out)
	words := make([]uint16, l.Stream.Elements())
	for i := range words {
		words[i] = binary.LittleEndian.Uint16(out[8+2*i:])
	}
	return words, nil
}

// ErrorWord returns the error word of the last launch.
func (k *Kernel) ErrorWord() uint64 { return k.word }

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
		int(l.Seed), int(l.Entry), s.Chunks(), shared, l.Offset, l.OutputOffset,
		rows, len(s.Encoded), s.Elements(), l.Unit, s.Elements(),
	} {
		b = binary.LittleEndian.AppendUint64(b, uint64(v))
	}
	for _, t := range [][]byte{s.Luts, s.Encoded, s.SignMantissa, s.OutputPositions, s.Gaps, l.Table} {
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
	cmd := exec.Command(k.program)
	cmd.Env = append(os.Environ(), "ASAN_OPTIONS=detect_leaks=0", "UBSAN_OPTIONS=print_stacktrace=1")
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

// stop ends the process.
func (k *Kernel) stop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cmd == nil {
		return
	}
	k.in.Close()
	k.cmd.Wait()
	k.cmd = nil
}
