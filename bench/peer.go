package main

import (
	"bufio"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"time"

	"github.com/seed54244801/bespoke/internal/isolated"
)

// A peer is another codec in a process of its own. It is told the weights once, and then asked for one measurement
// at a time, so that it takes part in rounds like every other contender:
//
//	→ "PIECES THREADS\n", "WEIGHTS\n" for each piece, then all weights, little-endian
//	← "ok BITS\n", the coded size of a weight or exponent, or "missing REASON\n"
//	→ "decode THREADS PIECE\n", or encode, or memcpy, or multiply1 or multiply16 for products with as many vectors
//	← "WEIGHTS NANOSECONDS\n", or "failed REASON\n"
//
// Before it says ok, it checks that its codec gives back its input. It ends when its standard input ends.
type peer struct {
	peerKind
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	bits float64
}

// A peerKind says how to build and start a peer, and what it can do.
type peerKind struct {
	name    string
	source  string // in peers/
	library string // for the linker; "" for Python
	decodes bool
	threads int // the largest number that it uses
}

const (
	htscodecsName = "htscodecs-rans32x16"
	torchName     = "torch"
)

// peerKinds are the codecs.
var peerKinds = []peerKind{
	{"libzstd-1", "zstd.c", "zstd", true, 2},
	{htscodecsName, "rans.c", "htscodecs", true, 2},
	{"zipnn", "zipnn_peer.py", "", true, 2},
	{"dfloat11", "dfloat11_peer.py", "", false, 1},
}

// productPeers are the peers that multiply bf16 matrices with rows of rowWeights, one a piece. They are asked to multiply1 or
// to multiply16.
var productPeers = []peerKind{{torchName, "torch_peer.py", "", false, 1}}

// peerBatches are the batches that they are asked for.
var peerBatches = []int{1, 16}

//go:embed peers
var peerSources embed.FS

// errMissing is wrapped by the error of a peer that cannot be built or started.
var errMissing = errors.New("not here")

// unpackPeers writes the sources of all peers to dir, over those of an earlier run. It returns the absolute path
// of their folder.
func unpackPeers(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	sources := filepath.Join(dir, "peers")
	if err := os.RemoveAll(sources); err != nil {
		return "", err
	}
	return sources, os.CopyFS(dir, peerSources)
}

// startPeer builds the peer in the folder of the sources and gives it the data.
func startPeer(ctx context.Context, kind peerKind, python, sources string, d *dataSet, threads int) (*peer, error) {
	command, err := kind.build(ctx, python, sources)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errMissing, err)
	}
	p := &peer{peerKind: kind, cmd: isolated.Folder(sources).Command(ctx, command[0], command[1:]...)}
	p.cmd.Stderr = os.Stderr
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w: %w", errMissing, err)
	}
	if err := p.greet(d, threads); err != nil {
		_ = p.close() // its error says no more than that the peer ended
		return nil, fmt.Errorf("%w: %w", errMissing, err)
	}
	return p, nil
}

// build compiles the peer, unless it is in Python, and returns the command that runs it.
func (k *peerKind) build(ctx context.Context, python, dir string) ([]string, error) {
	source := filepath.Join(dir, k.source)
	if k.library == "" {
		program, err := exec.LookPath(python)
		if err == nil {
			program, err = filepath.Abs(program)
		}
		return []string{program, "-E", "-s", "-B", source}, err
	}
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	program := strings.TrimSuffix(source, ".c")
	args := []string{"-O3", "-Wall", "-Wextra", "-pthread", "-o", program, source, "-l" + k.library}
	out, err := isolated.Folder(dir).Command(ctx, cc, args...).CombinedOutput()
	if err != nil {
		first, _, _ := strings.Cut(string(out), "\n")
		return nil, fmt.Errorf("%s: %w: %s", cc, err, strings.TrimPrefix(first, dir+"/"))
	}
	return []string{program}, nil
}

// greet hands over the data and waits until the peer is ready.
func (p *peer) greet(d *dataSet, threads int) error {
	var head strings.Builder
	fmt.Fprintf(&head, "%d %d\n", len(d.pieces), threads)
	for _, piece := range d.pieces {
		fmt.Fprintln(&head, piece.len())
	}
	// The peer may answer and end without reading all of it.
	_, writeErr := io.WriteString(p.in, head.String())
	if writeErr == nil {
		_, writeErr = p.in.Write(bytesOf(d.weights))
	}
	answer, err := p.answer()
	if err != nil {
		return err
	}
	if reason, ok := strings.CutPrefix(answer, "missing "); ok {
		return errors.New(reason)
	}
	if _, err := fmt.Sscanf(answer, "ok %g", &p.bits); err != nil {
		return fmt.Errorf("answered %q: %w", answer, err)
	}
	return writeErr
}

func (p *peer) answer() (string, error) {
	line, err := p.out.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("no answer: %w", err)
	}
	return strings.TrimSpace(line), nil
}

// measure asks for one measurement.
func (p *peer) measure(do string, threads, piece int) (weights int, took time.Duration, err error) {
	if _, err := fmt.Fprintf(p.in, "%s %d %d\n", do, threads, piece); err != nil {
		return 0, 0, err
	}
	answer, err := p.answer()
	if err != nil {
		return 0, 0, err
	}
	if _, err := fmt.Sscanf(answer, "%d %d", &weights, &took); err != nil {
		return 0, 0, fmt.Errorf("%s: answered %q", do, answer)
	}
	return weights, took, nil
}

// close ends the peer.
func (p *peer) close() error {
	return errors.Join(p.in.Close(), p.cmd.Wait())
}

// contenders returns what the peer does and its own memcpy, for each number of threads.
func (p *peer) contenders(do string, threads []int) []contender {
	var list []contender
	own := memcpyName + " of " + p.name
	probes := goruntime.NumCPU()
	for _, n := range threads {
		if n > p.threads {
			continue
		}
		list = append(list,
			contender{name: own, threads: n, probes: probes, yardstick: own, work: func(i int) (int, time.Duration, error) { return p.measure("memcpy", n, i) }},
			contender{name: p.name, threads: n, probes: probes, yardstick: own, bits: p.bits, work: func(i int) (int, time.Duration, error) { return p.measure(do, n, i) }})
	}
	return list
}

// products returns what a peer of productPeers does.
func (p *peer) products(threads []int) []contender {
	var list []contender
	for _, n := range threads {
		if n > p.threads {
			continue
		}
		for _, batch := range peerBatches {
			do := fmt.Sprint("multiply", batch)
			list = append(list, contender{name: p.name, threads: n, batch: batch, probes: goruntime.NumCPU(), bits: p.bits,
				work: func(i int) (int, time.Duration, error) { return p.measure(do, n, i) }})
		}
	}
	return list
}
