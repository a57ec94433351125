package main

import (
	"fmt"
	goruntime "runtime"
	"strings"

	"github.com/klauspost/cpuid/v2"
	"github.com/spf13/cobra"

	"github.com/seed54244801/bespoke/internal/ui"
	"github.com/seed54244801/bespoke/runtime"
)

func (a *app) devices() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "devices",
		Short: "Show which decoders work on this machine, and why others do not",
		Long: `Devices lists the decoders in the order in which they are preferred. Commands
that decode take the first one available, but of avx512 and avx2 that which is faster on
this CPU, which devices measures; --decoder or the environment variable
BESPOKE_DECODER force another. It lists the GPUs too, in builds with CUDA.`,
		Example: `  bespoke devices`,
		Args:    takes(),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the list as JSON")
	cmd.RunE = func(*cobra.Command, []string) error {
		type device struct {
			Name      string `json:"decoder"`
			Available bool   `json:"available"`
			Reason    string `json:"reason"`
			// Preferred is the decoder that is chosen among those that need no GPU.
			Preferred bool `json:"preferred,omitempty"`
			// GPUs are the devices of the decoder cuda.
			GPUs []runtime.GPU `json:"gpus,omitempty"`
		}
		gpus, err := runtime.GPUs()
		if err != nil {
			return err
		}
		preferred, err := runtime.Calibrate()
		if err != nil {
			return err
		}
		var list []device
		for _, d := range runtime.Available() {
			list = append(list, device{Name: d.Name, Available: d.Available, Reason: d.Reason})
			if d.Name == preferred.Name {
				list[len(list)-1].Preferred = true
				list[len(list)-1].Reason += "; preferred on this CPU"
				if preferred.Reason != "" {
					list[len(list)-1].Reason += ", " + preferred.Reason
				}
			}
			if d.Name == runtime.CUDA {
				list[len(list)-1].GPUs = gpus
			}
		}
		if asJSON {
			return a.json(list)
		}
		cpu := cpuid.CPU.BrandName
		if cpu == "" {
			cpu = goruntime.GOARCH
		}
		a.printf("%s, %s\n\n", cpu, ui.Plural(uint64(goruntime.GOMAXPROCS(0)), "thread"))
		var t ui.Table
		for _, d := range list {
			mark := "no"
			if d.Available {
				mark = "yes"
			}
			t.Row(d.Name, mark, d.Reason)
		}
		if err := a.table(&t); err != nil || len(gpus) == 0 {
			return err
		}
		a.printf("\nGPUs, with CUDA %s:\n\n", gpus[0].Driver)
		return a.table(gpuTable(gpus))
	}
	return cmd
}

// gpuTable lists GPUs and the kernels that would run.
func gpuTable(gpus []runtime.GPU) *ui.Table {
	var t ui.Table
	for _, g := range gpus {
		kernels := "no kernel: " + g.Reason
		if len(g.Kernels) > 0 {
			kernels = fmt.Sprintf("kernels %s, %s", strings.Join(g.Kernels, ", "), g.Reason)
		}
		t.Row(g.Ordinal, g.Name, "compute capability "+g.Capability,
			fmt.Sprintf("%s, %s free", ui.Bytes(uint64(g.Memory)), ui.Bytes(uint64(g.Free))), kernels)
	}
	return &t
}
