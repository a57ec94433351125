package main

import (
	goruntime "runtime"

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
that decode take the first one available; --decoder or the environment variable
BESPOKE_DECODER force another.`,
		Example: `  bespoke devices`,
		Args:    takes(),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the list as JSON")
	cmd.RunE = func(*cobra.Command, []string) error {
		type device struct {
			Name      string `json:"decoder"`
			Available bool   `json:"available"`
			Reason    string `json:"reason"`
		}
		var list []device
		for _, d := range runtime.Available() {
			list = append(list, device(d))
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
		return a.table(&t)
	}
	return cmd
}
