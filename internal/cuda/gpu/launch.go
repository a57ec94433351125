//go:build cuda

package gpu

import (
	"fmt"

	"gorgonia.org/cu"
)

// Launch queues a kernel with arguments of its own, which take 8 bytes each, of which the kernel reads those that it
// declares.
func (s *Slot) Launch(k *Kernel, blocks int, arguments ...uint64) error {
	return s.Device.launch(k, "launch the kernel "+k.Launch.Entry, blocks, 0, s.stream, arguments)
}

// Fill queues the filling of memory with a word.
func (s *Slot) Fill(m *Memory, word uint32) error {
	return s.Device.do(fmt.Sprintf("fill %d bytes", m.Size), func() error {
		return cu.MemsetD32Async(m.Address, uint(word), m.Size/4, s.stream)
	})
}

// Write copies to the memory, all of it, and waits until that is done.
func (m *Memory) Write(data []byte) error {
	return m.device.do(fmt.Sprintf("upload %d bytes", m.Size), func() error { return cu.MemcpyHtoD(m.Address, pointer(data), m.Size) })
}

// Read copies the memory to the host, and waits for it. What is queued on slots is waited for by their own methods.
func (m *Memory) Read() ([]byte, error) {
	b := make([]byte, m.Size)
	err := m.device.do(fmt.Sprintf("download %d bytes", m.Size), func() error { return cu.MemcpyDtoH(pointer(b), m.Address, m.Size) })
	return b, err
}
