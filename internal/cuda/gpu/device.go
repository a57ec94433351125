//go:build cuda

package gpu

import (
	"errors"
	"fmt"
	goruntime "runtime"
	"sync"

	"gorgonia.org/cu"

	"github.com/seed54244801/bespoke/internal/cuda/driver"
)

// Info describes a GPU.
type Info struct {
	Ordinal    int
	Name       string
	Capability int   // the compute capability, 10 * major + minor
	Memory     int64 // bytes in all
}

// String is the device as people call it.
func (i Info) String() string {
	return fmt.Sprintf("device %d, %s, compute capability %d.%d", i.Ordinal, i.Name, i.Capability/10, i.Capability%10)
}

// List describes all GPUs, without opening any.
func List() ([]Info, error) {
	n, err := cu.NumDevices()
	if err != nil {
		return nil, fmt.Errorf("count the devices: %w", driver.Translate(err))
	}
	list := make([]Info, n)
	for i := range list {
		if err := describe(i, &list[i]); err != nil {
			return nil, &Error{i, "describe it", driver.Translate(err)}
		}
	}
	return list, nil
}

func describe(ordinal int, info *Info) error {
	d, err := cu.GetDevice(ordinal)
	if err != nil {
		return err
	}
	info.Ordinal = ordinal
	if info.Name, err = d.Name(); err != nil {
		return err
	}
	if info.Memory, err = d.TotalMem(); err != nil {
		return err
	}
	major, err := d.Attribute(cu.ComputeCapabilityMajor)
	if err != nil {
		return err
	}
	minor, err := d.Attribute(cu.ComputeCapabilityMinor)
	info.Capability = 10*major + minor
	return err
}

// DriverVersion returns the version of CUDA that the driver knows, such as "12.4".
func DriverVersion() string {
	v := cu.Version()
	return fmt.Sprintf("%d.%d", v/1000, v%1000/10)
}

// A Device is an open GPU. All its methods may be called from several goroutines at once.
type Device struct {
	Info
	handle  cu.Device
	context cu.CUContext

	users   int                // guarded by opened.mu
	modules map[string]*Module // by the code of the image; guarded by opened.mu
}

// opened are the devices of the process that are open: models share them, and what is loaded into
// them.
var opened struct {
	mu      sync.Mutex
	devices map[int]*Device
}

// Open opens a device, or shares it with those who have it open. Each needs a Close.
func Open(info Info) (*Device, error) {
	opened.mu.Lock()
	defer opened.mu.Unlock()
	if d := opened.devices[info.Ordinal]; d != nil {
		d.users++
		return d, nil
	}
	d := &Device{Info: info, handle: cu.Device(info.Ordinal), users: 1, modules: map[string]*Module{}}
	var err error
	if d.context, err = d.handle.RetainPrimaryCtx(); err != nil {
		return nil, &Error{info.Ordinal, "create a context", driver.Translate(err)}
	}
	if opened.devices == nil {
		opened.devices = map[int]*Device{}
	}
	opened.devices[info.Ordinal] = d
	return d, nil
}

// Close gives the device back. The last one unloads all modules.
func (d *Device) Close() error {
	opened.mu.Lock()
	defer opened.mu.Unlock()
	if d.users--; d.users > 0 {
		return nil
	}
	delete(opened.devices, d.Ordinal)
	var errs []error
	for _, m := range d.modules {
		errs = append(errs, d.do("unload a module", m.handle.Unload))
	}
	if err := d.handle.ReleasePrimaryCtx(); err != nil {
		errs = append(errs, &Error{d.Ordinal, "release the context", driver.Translate(err)})
	}
	return errors.Join(errs...)
}

// do calls the driver with the context of the device current. The driver keeps the current context by thread.
func (d *Device) do(doing string, call func() error) error {
	goruntime.LockOSThread()
	defer goruntime.UnlockOSThread()
	err := cu.SetCurrentContext(d.context)
	if err == nil {
		err = call()
	}
	if err != nil {
		return &Error{d.Ordinal, doing, driver.Translate(err)}
	}
	return nil
}

// FreeMemory opens the GPU for as long as it takes to ask how many bytes are free.
func (i Info) FreeMemory() (free int64, err error) {
	d, err := Open(i)
	if err != nil {
		return 0, err
	}
	free, err = d.Free()
	return free, errors.Join(err, d.Close())
}

// Context is the handle of the primary context, a CUcontext.
func (d *Device) Context() uintptr { return driver.Handle(d.context) }

// Free returns how many bytes of device memory are free.
func (d *Device) Free() (free int64, err error) {
	err = d.do("ask for free memory", func() (err error) {
		free, _, err = cu.MemInfo()
		return err
	})
	return free, err
}
