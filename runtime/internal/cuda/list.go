//go:build cuda

package cuda

import (
	"fmt"

	"github.com/seed54244801/bespoke/internal/cuda/driver"
	"github.com/seed54244801/bespoke/internal/cuda/gpu"
)

// Available reports whether there is a driver and a GPU, and names them.
func Available() (ok bool, reason string) {
	if missing := driver.Missing(); missing != "" {
		return false, missing
	}
	list, err := gpu.List()
	switch {
	case err != nil:
		return false, err.Error()
	case len(list) == 0:
		return false, "the driver finds no GPU"
	}
	reason = list[0].String()
	if len(list) > 1 {
		reason += fmt.Sprintf(", and %d more", len(list)-1)
	}
	return true, reason
}

// List describes the GPUs of this machine. It opens each of them, and loads the kernels for models without kernels
// of their own.
func List() ([]Description, error) {
	if driver.Missing() != "" {
		return nil, nil
	}
	list, err := gpu.List()
	if err != nil {
		return nil, err
	}
	all := make([]Description, len(list))
	for i, info := range list {
		all[i] = Description{
			Ordinal:    info.Ordinal,
			Name:       info.Name,
			Capability: fmt.Sprintf("%d.%d", info.Capability/10, info.Capability%10),
			Memory:     info.Memory,
			Driver:     gpu.DriverVersion(),
		}
		if err := all[i].try(info); err != nil {
			all[i].Reason = err.Error()
		}
	}
	return all, nil
}

// try opens the device and loads the kernels.
func (g *Description) try(info gpu.Info) (err error) {
	d, err := gpu.Open(info)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := d.Close(); err == nil {
			err = closeErr
		}
	}()
	if g.Free, err = d.Free(); err != nil {
		return err
	}
	form := ""
	for _, newProgram := range []func(*Kernel) (*program, error){newProgram, ransProgram} {
		p, err := newProgram(nil)
		if err != nil {
			return err
		}
		m, _, err := p.load(d)
		if err != nil {
			return err
		}
		for _, l := range p.entries() {
			g.Kernels = append(g.Kernels, l.Entry)
		}
		form = m.Image.Form
	}
	g.Reason = "from " + form + ", for any code book and for rANS; a generated package brings its own"
	return nil
}
