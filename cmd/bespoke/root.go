package main

import (
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed54244801/bespoke/checkpoint"
	"github.com/seed54244801/bespoke/internal/ui"
	"github.com/seed54244801/bespoke/model"
)

// app holds what all commands share.
type app struct {
	stdout, stderr io.Writer // an error of stdout is kept: see standardOutput
	quiet          bool
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "bespoke",
		Short: "Compress bfloat16 models without loss, with decoders cut for each of them",
		Long: `bespoke compresses the weights of bfloat16 models to about 67 % of their size,
without loss, in the DF11 format or with rANS, and generates decoders for CPU and
GPU that are cut for the code book of one model.

MODEL is a Hugging Face folder or a safetensors file; DF11 is a compressed
folder or file; CODED may also be coded with rANS.

A folder that a command writes appears whole or not at all, also after a crash
of the system: it is built beside its place under a hidden name that ends in
.bespoke-tmp, flushed to the disk and renamed. Missing parents are made, and an
empty folder is taken. What a killed run left is removed by the next one that
writes the same folder.

--force replaces a folder in which bespoke wrote every file: one with a sound
bespoke.json and no files that do not belong to it. Restored and converted
models bear no mark: decompress and convert also replace a folder whose every
file is one that they write again. Generate replaces what it wrote without
--force, and with --force also where manifest.json is lost. All else is refused,
files that are not bespoke's are named, and nothing is touched.

Exit status: 0 for success, 1 for a failure, also to write to standard output,
2 for a command line that makes no sense, 128 and the number of the signal when
interrupted: 130 by SIGINT, 143 by SIGTERM, 129 by SIGHUP, 141 by a broken pipe.`,
		Example: `  bespoke inspect models/llama
  bespoke compress models/llama -o models/llama-df11
  bespoke generate models/llama-df11 -o out/llama
  bespoke verify models/llama models/llama-df11
  bespoke decompress models/llama-df11 -o models/llama-restored`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			hint := ""
			if s := cmd.SuggestionsFor(args[0]); len(s) > 0 {
				hint = fmt.Sprintf(", did you mean %s?", strings.Join(s, " or "))
			}
			return usagef("unknown command %q%s", args[0], hint)
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SuggestionsMinimumDistance = 2
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.PersistentFlags().BoolVarP(&a.quiet, "quiet", "q", false, "print nothing but errors and what --json asks for")
	root.AddCommand(a.inspect(), a.convert(), a.generate(), a.compress(), a.decompress(), a.recode(), a.verify(), a.bench(), a.devices())
	return root
}

// version returns the version of the module, or the revision it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(unknown)"
	}
	return info.Main.Version
}

// usageError is an error in the command line itself.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() + " (see bespoke help)" }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// takes returns a check that a command gets as many arguments as there are names.
func takes(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != len(names) {
			what := "no arguments"
			if len(names) > 0 {
				what = strings.Join(names, " and ")
			}
			return usagef("%s takes %s, have %d arguments", cmd.Name(), what, len(args))
		}
		return nil
	}
}

// output adds the flags of a command that writes a folder.
type output struct {
	dir   string
	force bool
}

func (o *output) flags(cmd *cobra.Command, what string) {
	cmd.Flags().StringVarP(&o.dir, "output", "o", "", "`DIR` to write (required)")
	cmd.Flags().BoolVarP(&o.force, "force", "f", false, "replace an existing "+what+", if bespoke wrote all that is in it")
	_ = cmd.MarkFlagDirname("output") // fails for a flag that does not exist
}

func (o *output) check(cmd *cobra.Command) error {
	if o.dir == "" {
		return usagef("%s needs an output folder: -o DIR", cmd.Name())
	}
	return nil
}

// partitionFlags are the flags that say how a model is divided into units.
type partitionFlags struct {
	pattern  string
	codeTied bool
	source
}

func (p *partitionFlags) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&p.pattern, "pattern", "", "JSON `FILE` that says which modules are units: {REGEX: [ATTR, …], …}")
	cmd.Flags().BoolVar(&p.codeTied, "code-tied", false, "code an embedding that is also the output head; the published loader cannot run the result")
	_ = cmd.MarkFlagFilename("pattern", "json")
	p.source.flags(cmd)
}

// source adds the flag that says how a model is opened.
type source struct{ open model.OpenOptions }

func (s *source) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&s.open.IgnoreWeightMap, "ignore-index", false, "take a folder as if it had no index of its shards")
}

// incomplete adds the flag that permits a DF11 checkpoint from which something seems to be missing.
type incomplete struct{ allowed bool }

func (i *incomplete) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&i.allowed, "incomplete", false, "go on although something seems to be missing from a DF11 checkpoint")
}

// check returns an error that names what is missing, unless that is allowed.
func (i *incomplete) check(path string, missing []model.Missing) error {
	if len(missing) == 0 || i.allowed {
		return nil
	}
	return &model.MissingError{Path: path, List: missing}
}

// skipUnknownFlag adds the flag that leaves out files which cannot be carried along.
func skipUnknownFlag(cmd *cobra.Command, skip *bool) {
	cmd.Flags().BoolVar(skip, "skip-unknown-files", false, "leave out files that cannot be carried along, and list them")
}

// printFiles lists files and why they were left out.
func (a *app) printFiles(what string, files []model.OddFile) error {
	if len(files) == 0 {
		return nil
	}
	a.printf("\n  %s:\n", what)
	var t ui.Table
	for _, f := range files {
		t.Row(f.Path, f.Reason)
	}
	return a.table(&t)
}

func (p *partitionFlags) options() (o model.PartitionOptions, err error) {
	o.CodeTied = p.codeTied
	if p.pattern != "" {
		o.Patterns, err = model.ReadPatterns(p.pattern)
	}
	return o, err
}

// oneOf completes a flag and checks its value.
func oneOf(cmd *cobra.Command, flag string, values []string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

func checkOneOf(flag, value string, values []string) error {
	if !slices.Contains(values, value) {
		return usagef("--%s is %q, want one of %s", flag, value, strings.Join(values, ", "))
	}
	return nil
}

// progress returns what draws progress bars. It draws nothing unless stderr is a terminal.
func (a *app) progress() checkpoint.Progress {
	if a.quiet || !ui.IsTerminal(a.stderr) {
		return (*ui.Progress)(nil)
	}
	return ui.NewProgress(a.stderr)
}
