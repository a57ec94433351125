// Restore restores the files of the model in a DF11 checkpoint, byte for byte. It decodes with a generated package:
// out/shakespeare, which was made from the trained model in testdata.
//
//	go run ./cmd/bespoke compress testdata/shakespeare-llama -o build/df11
//	go run ./examples/restore build/df11 build/restored
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/seed54244801/bespoke/checkpoint"
	"github.com/seed54244801/bespoke/out/shakespeare"
	"github.com/seed54244801/bespoke/runtime"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: restore DF11 DIR")
		os.Exit(2)
	}
	if err := restore(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "restore:", err)
		os.Exit(1)
	}
}

func restore(df11, dir string) error {
	m, err := shakespeare.Open(df11) // refuses a checkpoint with other code books
	if err != nil {
		return err
	}
	choice := m.Decoder()
	fmt.Printf("decoder  %s: %s\n", choice.Name, choice.Reason)
	for _, u := range m.Units() {
		fmt.Printf("unit     %-20s %9d weights in %d tensors, code book %.15s…\n", u.Name, u.Elements, len(u.Tensors), u.Book)
	}
	if err := m.Close(); err != nil {
		return err
	}
	report, err := checkpoint.Decompress(context.Background(), df11, dir, checkpoint.DecompressOptions{
		Runtime: []runtime.Option{runtime.WithKernel(shakespeare.Kernel())},
	})
	if err != nil {
		return err
	}
	fmt.Printf("restored %d bytes in %d files to %s\n", report.Bytes, report.Files, dir)
	return nil
}
