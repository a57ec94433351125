package runtime

import "fmt"

// WithDevices decodes on these GPUs, by their ordinals, and spreads the units over all of them. The default is the
// best one, and further ones only while the compressed units do not fit. It matters for the
// decoder cuda alone.
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

// WithDeviceMemory bounds the memory that is used on each GPU, in bytes: two buffers for weights first,
// and compressed units with the rest. The default leaves a twentieth of what is free when the
// model is opened. It matters for the decoder cuda alone.
func WithDeviceMemory(bytes int64) Option {
	return func(o *options) error {
		if bytes < 1 {
			return fmt.Errorf("runtime: %d bytes of device memory, want at least 1", bytes)
		}
		o.deviceMemory = bytes
		return nil
	}
}

// WithWarnings has warn called when decoding goes on in another way than Open chose, such as on the
// CPU for want of device memory. Calls may come from several goroutines at once. [Model.Decoder]
// says the same.
func WithWarnings(warn func(message string)) Option {
	return func(o *options) error {
		o.warn = warn
		return nil
	}
}
