// Command bench compares Bespoke's products with those of bf16 weights, and its decoders and encoders with copying memory and with
// other codecs, in rounds (see internal/measure). It writes docs/BENCHMARKS.md. Run it as make bench.
//
// The Go benchmarks of this package measure the same contenders for benchstat:
//
//	go test -run '^$' -bench . -count 10 ./bench > new.txt
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/seed54244801/bespoke/internal/measure"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("bench: ")
	b := bench{models: defaultModels(), threads: []int{1, 2}}
	flag.Var(&b.models, "model", "bf16 models to measure with, between commas or one a flag; those that are not there are left out")
	flag.IntVar(&b.weights, "weights", 64<<20, "number of weights drawn from a normal distribution; 0 for none")
	flag.IntVar(&b.piece, "piece", 4<<20, "weights in a piece")
	flag.DurationVar(&b.opts.Time, "time", time.Minute, "least time for a table")
	flag.IntVar(&b.opts.Rounds, "rounds", 22, "least number of rounds for a table")
	flag.StringVar(&b.python, "python", "python3", "Python of the peers zipnn, dfloat11 and torch")
	flag.StringVar(&b.dir, "dir", "build/bench", "folder for peers and results")
	page := flag.String("page", "docs/BENCHMARKS.md", "page to write; - for none")
	wall := flag.String("wall", "build/wall.json", "times of whole files, as JSON; left out if it is not there")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := b.run(ctx, *page, *wall); err != nil {
		log.Fatal(err)
	}
}

// A bench is one run of the program.
type bench struct {
	models  paths
	weights int
	piece   int
	threads []int
	opts    measure.Options
	dir     string
	python  string

	report report
}

func (b *bench) run(ctx context.Context, page, wall string) error {
	b.opts.WarmUp = 1
	b.report.Time = b.opts.Time.String()
	b.report.Machine = thisMachine()
	b.report.Date = time.Now().UTC().Format(time.DateOnly)
	for _, path := range b.models.list {
		d, err := ofModel(path, b.piece*3/4, leastPieces*b.piece)
		if errors.Is(err, os.ErrNotExist) {
			b.miss(filepath.Base(path), "", "no "+path+"; make models makes those in models/")
			continue
		}
		if err == nil {
			err = b.measure(ctx, d)
		}
		if err != nil {
			return err
		}
	}
	if b.weights > 0 {
		if err := b.measure(ctx, trainedLike(b.weights, b.piece)); err != nil {
			return err
		}
	}
	var err error
	if b.report.Wall, err = readWall(wall); errors.Is(err, os.ErrNotExist) {
		b.miss("whole files", "", "no "+wall)
	} else if err != nil {
		return err
	}
	if err := b.report.writeJSON(filepath.Join(b.dir, "bench.json")); err != nil {
		return err
	}
	if page == "-" {
		return b.report.write(os.Stdout)
	}
	if err := b.report.writePicture(picturePath(page)); err != nil {
		return err
	}
	return b.report.writeFile(page)
}

// leastPieces is the number of pieces for which a model is repeated. When decoding is repeated in search of a
// quiet moment, it goes over a few pieces, and the first of them must not be in a cache any more.
const leastPieces = 16

// measure fills the tables of a data set.
func (b *bench) measure(ctx context.Context, d *dataSet) error {
	if err := b.measureProducts(ctx, d); err != nil {
		return err
	}
	return b.measureCodecs(ctx, d)
}

// measureProducts fills the table of products. Weights of one unit are cut into a matrix a piece.
func (b *bench) measureProducts(ctx context.Context, d *dataSet) (err error) {
	kinds := productPeers
	if len(d.units) == 1 {
		d = d.inUnitsOf(b.piece)
	} else {
		kinds = nil // their rows differ
	}
	d = d.matrices(b.piece*3/4, leastPieces*b.piece)
	if len(d.units) == 0 {
		b.miss("products", d.name, fmt.Sprintf("no matrix of %d weights or more", matrixWeights))
		return nil
	}
	log.Printf("%s: preparing products", d.name)
	peers, err := b.startPeers(ctx, kinds, d)
	defer func() { err = errors.Join(err, closePeers(peers)) }()
	if err != nil {
		return err
	}
	list, err := b.products(d)
	if err != nil {
		return err
	}
	for _, p := range peers {
		list = append(list, p.products(b.threads)...)
	}
	return b.addTable(ctx, d, "multiply", list)
}

// measureCodecs fills the tables of decoders and of encoders.
func (b *bench) measureCodecs(ctx context.Context, d *dataSet) (err error) {
	log.Printf("%s: preparing", d.name)
	peers, err := b.startPeers(ctx, peerKinds, d)
	defer func() { err = errors.Join(err, closePeers(peers)) }()
	if err != nil {
		return err
	}
	planesDecode, planesEncode, err := b.planes(d)
	if err != nil {
		return err
	}
	encode := slices.Concat(copies(d, b.threads)[:2*len(b.threads)], b.ourEncoders(d), planesEncode)
	decode, err := b.ourDecoders(d)
	if err != nil {
		return err
	}
	decode = slices.Concat(copies(d, b.threads), decode, planesDecode)
	for _, p := range peers {
		encode = append(encode, p.contenders("encode", b.threads)...)
		if p.decodes {
			decode = append(decode, p.contenders("decode", b.threads)...)
		}
	}
	if err := b.addTable(ctx, d, "decode", decode); err != nil {
		return err
	}
	return b.addTable(ctx, d, "encode", encode)
}

// addTable measures contenders and adds their table to the report.
func (b *bench) addTable(ctx context.Context, d *dataSet, do string, contenders []contender) error {
	log.Printf("%s: %s, %d contenders", d.name, do, len(contenders))
	samples, err := b.rounds(ctx, d, contenders)
	if err != nil {
		return err
	}
	b.report.Tables = append(b.report.Tables, newTable(d, do, contenders, samples))
	return nil
}

func (b *bench) rounds(ctx context.Context, d *dataSet, contenders []contender) (measure.Samples, error) {
	var list []measure.Contender
	for _, c := range contenders {
		list = append(list, measure.Contender{Name: c.name, Probes: c.probeCount(), Work: func(round int) (int, time.Duration, error) {
			return c.work(pieceOf(round, &c, len(d.pieces)))
		}})
	}
	return measure.Run(ctx, list, b.opts)
}

// startPeers starts the peers that are available and notes the others.
func (b *bench) startPeers(ctx context.Context, kinds []peerKind, d *dataSet) ([]*peer, error) {
	sources, err := unpackPeers(b.dir)
	if err != nil {
		return nil, err
	}
	var peers []*peer
	for _, kind := range kinds {
		p, err := startPeer(ctx, kind, b.python, sources, d, slices.Max(b.threads))
		switch {
		case errors.Is(err, errMissing):
			b.miss(kind.name, "", strings.TrimPrefix(err.Error(), errMissing.Error()+": "))
		case err != nil:
			return peers, fmt.Errorf("%s: %w", kind.name, err)
		default:
			peers = append(peers, p)
		}
	}
	return peers, nil
}

// closePeers ends peers.
func closePeers(peers []*peer) error {
	var err error
	for _, p := range peers {
		err = errors.Join(err, p.close())
	}
	return err
}

// miss notes, once, what could not be measured and why.
func (b *bench) miss(what, data, reason string) {
	m := missing{what, data, reason}
	if !slices.Contains(b.report.Missing, m) {
		log.Printf("without %s %s: %s", what, data, reason)
		b.report.Missing = append(b.report.Missing, m)
	}
}
