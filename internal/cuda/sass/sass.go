package sass

import (
	"bufio"
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// The marks of our kernels, operands of the instruction pmevent.
const (
	rareMark    = "0x1" // pmevent n shows as a mask
	oneWarpMark = "0x2"
	startMark   = "0x4"
)

// A block is a basic block: successive instructions that begin at a label or behind a branch.
type block struct {
	instructions int
	next         []int // basic blocks that may follow
	ends         bool  // the kernel may end here
	rare         bool
	oneWarp      bool
	unknown      string // a control flow instruction that is not understood
}

// A Kernel is the control flow of one function.
type Kernel struct {
	blocks []block
	// OneWarp is the share with which code for one warp of a thread block counts.
	OneWarp float64
	// start is the basic block with which the straight path begins.
	start int
	// Once says that loops without a mark run once on the straight path: the kernel multiplies one tile with one
	// vector.
	Once bool
}

var (
	label       = regexp.MustCompile(`^(\.L_x_\d+):`)
	instruction = regexp.MustCompile(`^\s*/\*[0-9a-f]{4,}\*/\s+(?:\{\s*)?(@!?U?P\w+\s+)?([A-Z][\w.]*)\s*([^;]*);`)
	target      = regexp.MustCompile("`\\((\\.L_x_\\d+)\\)")
)

var section = regexp.MustCompile(`(?m)^//-+ \.text\.(\w+)\s+-+\s*$`)

// Functions divides the output of nvdisasm for a cubin by kernel.
func Functions(text []byte) map[string][]byte {
	functions := map[string][]byte{}
	found := section.FindAllSubmatchIndex(text, -1)
	for i, m := range found {
		end := len(text)
		if i+1 < len(found) {
			end = found[i+1][0]
		}
		functions[string(text[m[2]:m[3]])] = text[m[1]:end]
	}
	return functions
}

// Parse reads the output of nvdisasm for one kernel, for architectures from sm_70 on.
func Parse(text []byte) (*Kernel, error) {
	k := &Kernel{OneWarp: 1}
	labels := map[string]int{}
	targets := map[int]string{}
	through := map[int]bool{} // basic blocks that continue into the next one
	fresh := true
	scanner := bufio.NewScanner(bytes.NewReader(text))
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		line := scanner.Text()
		if m := label.FindStringSubmatch(line); m != nil {
			labels[m[1]] = len(k.blocks)
			fresh = true
			continue
		}
		m := instruction.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		begins := m[2] == "PMTRIG" && strings.TrimSpace(m[3]) == startMark
		if fresh || begins {
			k.blocks = append(k.blocks, block{})
			fresh = false
		}
		if begins {
			if k.start != 0 {
				return nil, fmt.Errorf("sass: the straight path begins twice")
			}
			k.start = len(k.blocks) - 1
		}
		at := len(k.blocks) - 1
		if err := k.blocks[at].add(m[2], m[3], m[1] != ""); err != nil {
			return nil, fmt.Errorf("sass: %q: %w", strings.TrimSpace(line), err)
		}
		through[at] = true
		switch name := m[2]; {
		case name == "BRA.DIV":
			// This is the way of a warp whose lanes have diverged. On a straight path they have not.
			fresh = true
		case name == "BRA", strings.HasPrefix(name, "BRA."), name == "CALL.REL.NOINC": // the latter leaves a region for good
			t := target.FindStringSubmatch(m[3])
			if t == nil {
				k.blocks[at].unknown = name
				continue
			}
			targets[at] = t[1]
			through[at] = m[1] != "" || strings.Contains(m[3], "P") && strings.Contains(m[3], ",")
			fresh = true
		case name == "EXIT":
			through[at] = m[1] != ""
			fresh = true
		}
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("sass: %w", err)
	}
	if len(k.blocks) == 0 {
		return nil, fmt.Errorf("sass: no instruction")
	}
	for i := range k.blocks {
		if through[i] && i+1 < len(k.blocks) {
			k.blocks[i].next = append(k.blocks[i].next, i+1)
		}
		if name, ok := targets[i]; ok {
			to, ok := labels[name]
			if !ok {
				return nil, fmt.Errorf("sass: no label %s", name)
			}
			k.blocks[i].next = append(k.blocks[i].next, to)
		}
	}
	return k, nil
}

// add counts an instruction of the basic block.
func (b *block) add(name, operands string, predicated bool) error {
	name, _, _ = strings.Cut(name, ".")
	switch name {
	case "PMTRIG":
		if predicated { // it belongs to a conditional part that has no basic block of its own
			return nil
		}
		switch strings.TrimSpace(operands) {
		case rareMark:
			b.rare = true
		case startMark: // see Parse
		case oneWarpMark:
			b.oneWarp = true
		default:
			return fmt.Errorf("a mark of no meaning")
		}
		return nil
	case "BRX", "JMP", "JMX", "RET", "SYNC", "BRK", "SSY", "PBK":
		b.unknown = name
	case "EXIT":
		b.ends = true
	}
	b.instructions++
	return nil
}
