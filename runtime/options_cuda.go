package runtime

import "fmt"

// WithDevices decodes on the GPUs with these ordinals, and spreads the units over all of them. The default is the
// best GPU, and further ones only if the compressed units do not fit. The option matters only for the decoder cuda.
func WithDevices(ordinals ...int) Option {
	return func(o *options) error {
		seen := map[int]bool{}
		for _, n := range ordinals {
			if n < 0 || seen[n] {
				return fmt.Errorf("runtime: devices %v: want different ones, 0 or more", ordinals)
			}
			seen[n] = true
		}
		if len(ordinals) == 0 {
			return fmt.Errorf("runtime: no devices given")
		}
		o.devices = ordinals
		return nil
	}
}

// WithDeviceMemory bounds the memory that is used on each GPU, in bytes. Two buffers for weights come first, and
// compressed units get the rest. The default is all but a twentieth of the memory that is free when the model is
// opened. The option matters only for the decoder cuda.
func WithDeviceMemory(bytes int64) Option {
	return func(o *options) error {
		if bytes < 1 {
			return fmt.Errorf("runtime: %d bytes of device memory, want at least 1", bytes)
		}
		o.deviceMemory = bytes
		return nil
	}
}

// WithWarnings sets a function that is called when units are decoded in another way than Open chose, for example on
// the CPU because device memory is short. It may be called from several goroutines at once. [Model.Decoder] reports
// the same.
func WithWarnings(warn func(message string)) Option {
	return func(o *options) error {
		o.warn = warn
		return nil
	}
}
