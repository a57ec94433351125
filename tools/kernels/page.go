package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed54244801/bespoke/gen/cudac"
)

// page is docs/KERNELS.md.
type page struct {
	Model     string
	Symbols   float64 // codes that start in a window
	Tools     string
	Rows      []row
	Published []row
}

// row is one kernel on one architecture.
type row struct {
	cudac.Usage
	Arch      int
	Threads   int
	Dynamic   int     // shared memory in bytes
	Issued    float64 // instructions of a warp on the straight path
	PerWeight float64 // 0 if they were not counted
}

// limits are those of a multiprocessor. All of them have 65,536 registers.
type limits struct{ threads, blocks, shared int }

var byArch = map[int]limits{
	50: {2048, 32, 64}, 52: {2048, 32, 96}, 53: {2048, 32, 64},
	60: {2048, 32, 64}, 61: {2048, 32, 96}, 62: {2048, 32, 64},
	70: {2048, 32, 96}, 72: {2048, 32, 96}, 75: {1024, 16, 64},
	80: {2048, 32, 164}, 86: {1536, 16, 100}, 87: {1536, 16, 164}, 89: {1536, 24, 100},
	90: {2048, 32, 228}, 100: {2048, 32, 228}, 101: {1536, 24, 228}, 103: {2048, 32, 228}, 110: {1536, 24, 228},
	120: {1536, 24, 100}, 121: {1536, 24, 100},
}

// occupancy returns, as text, the share of a multiprocessor's threads that can run at once.
func (r *row) occupancy() string {
	l, ok := byArch[r.Arch]
	if !ok {
		return "–"
	}
	const perBlock = 1 << 10 // bytes that the system takes for a thread block, from sm_80 on
	warps := r.Threads / 32
	registers := (r.Registers + 7) / 8 * 8 * 32
	shared := r.Shared + r.Dynamic
	if r.Arch >= 80 {
		shared += perBlock
	}
	blocks := min(l.threads/r.Threads, l.blocks, 65536/registers/warps, l.shared<<10/shared)
	return fmt.Sprintf("%d %%", 100*blocks*r.Threads/l.threads)
}

func (p *page) render() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# What the CUDA kernels take

Made by `+"`make kernels`"+` from the sources of `+"`out/%s`"+` with %s. A window of its streams holds %.2f
weights on average.

Instructions are those that a warp issues on the straight path, for each weight of a lane. The straight path is the
longest way through a kernel without code that trained weights reach rarely; for the published kernel it is the
shortest way through its loops. In kernels by tiles, the instructions that a warp issues once for all its tiles do not
count. In those of package rans, which are the same for every model, a turn of the loop counts. The documentation of
`+"`internal/cuda/sass`"+` says more. Occupancy is the share of a multiprocessor's threads that can run at once, with the
dynamic shared memory that a chunk takes. [KERNELS-HOW.md](KERNELS-HOW.md) says how the kernels work.

`, p.Model, p.Tools, p.Symbols)
	table(&b, "Instructions a weight", p.instructions())
	table(&b, "Instructions a weight, package rans", p.ransInstructions())
	for _, name := range append([]string{"decode", "decode_native", "decode_tiles", "matvec"}, ransKernels...) {
		table(&b, "`"+name+"`", usage(p.Rows, name))
	}
	if len(p.Published) > 0 {
		table(&b, "The published kernel", usage(p.Published, "decode"))
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// instructions compares the kernels by architecture.
func (p *page) instructions() [][]string {
	rows := [][]string{{"architecture", "published", "`decode`", "`decode_native`", "`decode_tiles`", "`matvec`"}}
	cell := func(all []row, arch int, name string) string {
		for _, r := range all {
			if r.Arch == arch && r.Kernel == name && r.PerWeight > 0 {
				return fmt.Sprintf("%.1f", r.PerWeight)
			}
		}
		return "–"
	}
	for _, r := range p.Rows {
		if r.Kernel == "decode" && r.PerWeight > 0 {
			rows = append(rows, []string{
				fmt.Sprintf("sm_%d", r.Arch),
				cell(p.Published, r.Arch, "decode"), cell(p.Rows, r.Arch, "decode"), cell(p.Rows, r.Arch, "decode_native"),
				cell(p.Rows, r.Arch, "decode_tiles"), cell(p.Rows, r.Arch, "matvec"),
			})
		}
	}
	return rows
}

// ransKernels are the kernels of package rans that decode or multiply.
var ransKernels = []string{"decode_rans", "decode_rans_joint", "matvec_rans", "matvec_rans_joint"}

// ransInstructions compares the kernels of package rans by architecture.
func (p *page) ransInstructions() [][]string {
	head := []string{"architecture"}
	for _, name := range ransKernels {
		head = append(head, "`"+name+"`")
	}
	rows := [][]string{head}
	for _, r := range p.Rows {
		if r.Kernel != ransKernels[0] || r.PerWeight == 0 {
			continue
		}
		cells := []string{fmt.Sprintf("sm_%d", r.Arch)}
		for _, name := range ransKernels {
			i := slices.IndexFunc(p.Rows, func(other row) bool { return other.Arch == r.Arch && other.Kernel == name })
			cells = append(cells, fmt.Sprintf("%.1f", p.Rows[i].PerWeight))
		}
		rows = append(rows, cells)
	}
	return rows
}

// usage lists what a kernel takes by architecture.
func usage(all []row, name string) [][]string {
	rows := [][]string{{"architecture", "registers", "spilled bytes", "static shared bytes", "dynamic", "occupancy"}}
	for _, r := range all {
		if r.Kernel == name {
			rows = append(rows, []string{
				fmt.Sprintf("sm_%d", r.Arch), fmt.Sprint(r.Registers), fmt.Sprint(r.Spilled), fmt.Sprint(r.Shared),
				fmt.Sprint(r.Dynamic), r.occupancy(),
			})
		}
	}
	return rows
}

// table writes a section with a table, unless it is empty.
func table(b *strings.Builder, title string, rows [][]string) {
	if len(rows) < 2 {
		return
	}
	fmt.Fprintf(b, "## %s\n\n", title)
	for i, r := range rows {
		fmt.Fprintf(b, "| %s |\n", strings.Join(r, " | "))
		if i == 0 {
			fmt.Fprintf(b, "|---%s\n", strings.Repeat("|---:", len(r)-1)+"|")
		}
	}
	b.WriteString("\n")
}
