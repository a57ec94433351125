//go:build cuda

package standin

import (
	"os"
	"testing"

	"gorgonia.org/cu"
)

func TestMain(m *testing.M) { os.Exit(Run(m, nil)) }

// TestDevices asks for devices through the trampolines.
func TestDevices(t *testing.T) {
	Start(t, "device=80:64", "device=90:128")
	if n, err := cu.NumDevices(); n != 2 || err != nil {
		t.Fatalf("%d devices, error %v", n, err)
	}
	d, err := cu.GetDevice(1)
	if err != nil {
		t.Fatal(err)
	}
	name, err := d.Name()
	if err != nil || name != "Stand-in 1" {
		t.Errorf("name %q, error %v", name, err)
	}
	if total, err := d.TotalMem(); total != 128<<20 || err != nil {
		t.Errorf("%d bytes, error %v", total, err)
	}
}

func TestFailure(t *testing.T) {
	Start(t, "device=80:64", "fail=cuDeviceGetCount:2:999")
	for i, want := range []bool{true, false, true} {
		if _, err := cu.NumDevices(); (err == nil) != want {
			t.Errorf("call %d: error %v", i+1, err)
		}
	}
}
