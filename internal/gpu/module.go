//go:build cuda

package gpu

import (
	"errors"
	"fmt"
	"unsafe"

	"gorgonia.org/cu"

	"github.com/seed54244801/bespoke/internal/driver"
	"github.com/seed54244801/bespoke/runtime/kernel"
)

// An Image is a compiled kernel, in one of the forms that the driver takes.
type Image struct {
	Form string // "fatbin" or "PTX"
	Code string
	// Launches are its kernels that decode a unit, the preferred ones first.
	Launches []kernel.CUDALaunch
}

// shared is the dynamic shared memory of a block, in bytes, given the number of elements of the largest
// chunk. A launch has 48 KiB without asking for more, static memory included. Only a chunk of very short codes
// would take more, and with less the kernels decode it all the same.
func (m *Module) shared(largest int) int {
	const limit, static = 48 << 10, 2 << 10
	return min(m.Launch.Shared(largest), limit-static)
}

// A Module is an image in a device, with the kernel to launch.
type Module struct {
	Image    Image
	Launch   *kernel.CUDALaunch
	module   cu.Module
	function cu.Function
}

// Load loads the first of the images that suits the device and the driver, and returns its preferred
// kernel. A device keeps what it has loaded until it is closed.
func (d *Device) Load(images []Image) (*Module, error) {
	var errs []error
	for _, image := range images {
		all, err := d.Kernels(image)
		if err == nil {
			return all[0], nil
		}
		errs = append(errs, err)
		if !isUnsuitable(err) {
			break
		}
	}
	return nil, errors.Join(errs...)
}

// Kernels loads an image and returns its kernels, one at least, the preferred ones first.
func (d *Device) Kernels(image Image) ([]*Module, error) {
	opened.mu.Lock()
	defer opened.mu.Unlock()
	if all := d.modules[image.Code]; all != nil {
		return all, nil
	}
	var module cu.Module
	err := d.do(fmt.Sprintf("load the %s of %d bytes", image.Form, len(image.Code)), func() (err error) {
		module, err = driver.LoadModule(image.Code)
		return err
	})
	if err != nil {
		return nil, err
	}
	all, err := d.lookUp(module, image)
	if err != nil {
		return nil, errors.Join(err, d.do("unload a module", module.Unload))
	}
	d.modules[image.Code] = all
	return all, nil
}

// lookUp finds the kernels of a module.
func (d *Device) lookUp(module cu.Module, image Image) ([]*Module, error) {
	var all []*Module
	for i := range image.Launches {
		m := &Module{Image: image, Launch: &image.Launches[i], module: module}
		err := d.do("look up the kernel "+m.Launch.Entry, func() (err error) {
			m.function, err = module.Function(m.Launch.Entry)
			return err
		})
		switch {
		case err == nil:
			all = append(all, m)
		case !errors.Is(err, driver.NotFound):
			return nil, err
		}
	}
	if len(all) == 0 {
		return nil, &Error{d.Ordinal, "look up a kernel that decodes", driver.NotFound}
	}
	return all, nil
}

// launch queues the kernel on a stream. Every argument takes 8 bytes, of which the kernel reads those that it declares.
func (d *Device) launch(m *Module, doing string, blocks, shared int, stream cu.Stream, arguments []uint64) error {
	pointers := make([]unsafe.Pointer, len(arguments))
	for i := range arguments {
		pointers[i] = unsafe.Pointer(&arguments[i])
	}
	return d.do(doing, func() error {
		return m.function.Launch(blocks, 1, 1, m.Launch.Threads, 1, 1, shared, stream, pointers)
	})
}
