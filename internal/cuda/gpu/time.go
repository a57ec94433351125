//go:build cuda

package gpu

import (
	"fmt"
	"time"

	"gorgonia.org/cu"
)

// Time queues the same work a number of times and returns how long the device took for one, by its
// own clock.
func (s *Slot) Time(times int, work func() error) (time.Duration, error) {
	d := s.Device
	var events [2]cu.Event
	for i := range events {
		err := d.do("create an event", func() (err error) {
			events[i], err = cu.MakeEvent(cu.DefaultEvent)
			return err
		})
		if err != nil {
			return 0, err
		}
		defer func() { _ = d.do("destroy an event", func() error { return cu.DestroyEvent(&events[i]) }) }()
	}
	record := func(e cu.Event) error {
		return d.do("record an event", func() error { return e.Record(s.stream) })
	}
	if err := record(events[0]); err != nil {
		return 0, err
	}
	for range times {
		if err := work(); err != nil {
			return 0, err
		}
	}
	if err := record(events[1]); err != nil {
		return 0, err
	}
	var milliseconds float64
	err := d.do("wait for an event", events[1].Synchronize)
	if err == nil {
		err = d.do("ask for the time between events", func() (err error) {
			milliseconds, err = events[0].Elapsed(events[1])
			return err
		})
	}
	return time.Duration(milliseconds * float64(time.Millisecond) / float64(times)), err
}

// Copy queues a copy of n bytes within device memory.
func (s *Slot) Copy(to, from *Memory, n int64) error {
	return s.Device.do(fmt.Sprintf("copy %d bytes", n), func() error {
		return cu.MemcpyDtoDAsync(to.Address, from.Address, n, s.stream)
	})
}
