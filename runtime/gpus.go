package runtime

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed54244801/bespoke/internal/fault"
	"github.com/seed54244801/bespoke/rans"
	"github.com/seed54244801/bespoke/runtime/internal/coded"
	"github.com/seed54244801/bespoke/runtime/internal/cuda"
	decode "github.com/seed54244801/bespoke/runtime/internal/rans"
)

// A GPU describes a GPU of this machine, and what package runtime would do with it.
type GPU struct {
	Ordinal    int    `json:"device"`
	Name       string `json:"name"`
	Capability string `json:"compute_capability"` // for example "8.0"
	Memory     int64  `json:"memory"`             // bytes in all
	Free       int64  `json:"free"`               // bytes
	Driver     string `json:"driver"`             // the version of CUDA that the driver knows
	// Kernels are the names of the kernels for models without kernels of their own, as far as the GPU can run them:
	// those that decode by tiles and by gaps, and the one that multiplies; then those for rANS.
	Kernels []string `json:"kernels"`
	Reason  string   `json:"reason"` // why the GPU runs these kernels, or none
}

// GPUs describes the GPUs of this machine. It opens each of them, and loads the kernels for models without kernels
// of their own. In builds without the tag cuda it returns none.
func GPUs() ([]GPU, error) {
	list, err := cuda.List()
	if err != nil {
		return nil, fmt.Errorf("runtime: %w", err)
	}
	var all []GPU
	for _, d := range list {
		all = append(all, GPU(d))
	}
	return all, nil
}

// accelerate opens the GPUs. If that fails, the CPU decodes. It is an error if the decoder was asked for by name.
func (m *Model) accelerate(o *options) error {
	gpus, why, err := cuda.Open(m.cudaConfig(o))
	if err == nil {
		m.gpus = gpus
		m.choice.Reason = joinReasons(m.choice.Reason, why)
		return nil
	}
	if o.forced() {
		return fmt.Errorf("runtime: %s: decoder %s, %s: %w", m.path, CUDA, o.choice.Reason, err)
	}
	reason := joinReasons("cuda is of no use, "+err.Error(), m.choice.Reason)
	m.choice = bestOnCPU()
	m.choice.Reason = reason
	o.say(m.choice.String())
	return nil
}

// splits computes the splits of a unit coded with rANS. If its file cannot be read, the error is of package fault.
func (m *Model) splits(ctx context.Context, u *coded.Unit, steps int) ([]*rans.Splits, error) {
	splits, err := m.byCoded[u].cpu.(*decode.Unit).Splits(ctx, m.workers, steps)
	if gone, ok := errors.AsType[*fault.Error](err); ok {
		return nil, gone
	}
	return splits, err
}

// cudaConfig describes the model and its options for package cuda.
func (m *Model) cudaConfig(o *options) *cuda.Config {
	c := &cuda.Config{
		Devices:  o.devices,
		Memory:   o.deviceMemory,
		Forced:   o.forced(),
		Say:      o.say,
		OnCPU:    m.decodeOnCPU,
		Splits:   m.splits,
		Fallback: bestOnCPU().Name,
	}
	if k := o.kernel; k != nil {
		c.Kernel = &cuda.Kernel{Name: k.Name, PTX: k.PTX, Fatbin: k.Fatbin, Launches: k.Launches}
	}
	for _, u := range m.units {
		c.Units = append(c.Units, u.coded)
	}
	return c
}
