//go:build cuda

package gpu

import (
	"errors"
	"fmt"
	"unsafe"

	"gorgonia.org/cu"

	"github.com/seed54244801/bespoke/internal/cuda/driver"
	"github.com/seed54244801/bespoke/internal/cuda/launch"
)

// An Image is a compiled CUDA source, in one of the forms that the driver takes.
type Image struct {
	Form string // "fatbin" or "PTX"
	Code string
}

// A Module is an image in a device.
type Module struct {
	Image  Image
	device *Device
	handle cu.Module
}

// A Kernel is an entry of a module.
type Kernel struct {
	Launch   *launch.Launch
	function cu.Function
	resident int // blocks that run at once, where more are of no use; 0 where all are needed
}

// Kernels are kernels of a module by the names of their entries.
type Kernels map[string]*Kernel

// Load loads the first of the images that suits the device and the driver. A device keeps what it has loaded
// until it is closed.
func (d *Device) Load(images []Image) (*Module, error) {
	var errs []error
	for _, image := range images {
		m, err := d.load(image)
		if err == nil {
			return m, nil
		}
		errs = append(errs, err)
		if !isUnsuitable(err) {
			break
		}
	}
	return nil, errors.Join(errs...)
}

func (d *Device) load(image Image) (*Module, error) {
	opened.mu.Lock()
	defer opened.mu.Unlock()
	if m := d.modules[image.Code]; m != nil {
		return m, nil
	}
	m := &Module{Image: image, device: d}
	err := d.do(fmt.Sprintf("load the %s of %d bytes", image.Form, len(image.Code)), func() (err error) {
		m.handle, err = driver.LoadModule(image.Code)
		return err
	})
	if err != nil {
		return nil, err
	}
	d.modules[image.Code] = m
	return m, nil
}

// Kernel finds the entry that a launch is of.
func (m *Module) Kernel(l *launch.Launch) (*Kernel, error) {
	k := &Kernel{Launch: l}
	err := m.device.do("look up the kernel "+l.Entry, func() (err error) {
		if k.function, err = m.handle.Function(l.Entry); err != nil || !l.Strides {
			return err
		}
		blocks, err := k.function.MaxActiveBlocksPerMultiProcessor(l.Threads, int64(l.Shared(0)))
		if err != nil {
			return err
		}
		multiprocessors, err := m.device.handle.Attribute(cu.MultiprocessorCount)
		k.resident = blocks * multiprocessors
		return err
	})
	return k, err
}

// launch queues the kernel on a stream. Every argument takes 8 bytes, of which the kernel reads those that it
// declares.
func (d *Device) launch(k *Kernel, doing string, blocks, shared int, stream cu.Stream, arguments []uint64) error {
	pointers := make([]unsafe.Pointer, len(arguments))
	for i := range arguments {
		pointers[i] = unsafe.Pointer(&arguments[i])
	}
	if k.resident > 0 {
		blocks = min(blocks, k.resident)
	}
	return d.do(doing, func() error {
		return k.function.Launch(blocks, 1, 1, k.Launch.Threads, 1, 1, shared, stream, pointers)
	})
}
