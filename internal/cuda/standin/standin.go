//go:build cuda

package standin

// #include <dlfcn.h>
// #include <stdlib.h>
//
// static void *standin_open(const char *path) { return dlopen(path, RTLD_NOW | RTLD_LOCAL); }
// static void standin_configure(void *library, const char *text) {
//     ((void (*)(const char *))dlsym(library, "standin_configure"))(text);
// }
// static const char *standin_summary(void *library) {
//     return ((const char *(*)(void))dlsym(library, "standin_summary"))();
// }
import "C"

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/seed54244801/bespoke/internal/cuda/driver"
)

// A Driver is the driver of the process while a test runs.
type Driver struct{ tb testing.TB }

// handle is the library in this process.
var handle = sync.OnceValues(func() (unsafe.Pointer, error) {
	path, err := Library()
	if err != nil {
		return nil, err
	}
	if err := os.Setenv(driver.LibraryEnv, path); err != nil {
		return nil, err
	}
	used = true
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	library := C.standin_open(name)
	if library == nil {
		return nil, fmt.Errorf("standin: cannot load %s", path)
	}
	if why := driver.Missing(); why != "" {
		return nil, fmt.Errorf("standin: a driver was in use before: %s", why)
	}
	return library, nil
})

// Start puts a driver in place, as the words say (see State::configure in driver/device.cpp), which must be the first
// in the process or follow another stand-in. The end of the test fails it if something is left on a
// device, or was done wrong.
func Start(tb testing.TB, words ...string) *Driver {
	tb.Helper()
	library, err := handle()
	if err != nil {
		tb.Fatal(err)
	}
	configure(library, words...)
	d := &Driver{tb}
	tb.Cleanup(func() {
		d.check()
		configure(library, usual...)
	})
	return d
}

// InUse reports whether the process uses a stand-in.
func InUse() bool { return used }

var used bool

// usual is the driver where no test has started another.
var usual []string

// Run runs the tests of a package, with a driver in place for all of them if there are words, and
// returns the exit status. Tests may start other drivers, which give the place back. It fails if something is left in
// the end.
func Run(m *testing.M, images []Image, words ...string) int {
	defer folder().Remove()
	library, err := handle()
	for _, image := range images {
		if err == nil {
			err = provide(image)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	usual = words
	configure(library, words...)
	code := m.Run()
	if faults := faults(summary(library)); faults != "" {
		fmt.Fprintln(os.Stderr, faults)
		return max(code, 1)
	}
	return code
}

func configure(library unsafe.Pointer, words ...string) {
	text := C.CString(Words(words...))
	defer C.free(unsafe.Pointer(text))
	C.standin_configure(library, text)
}

// Words is the configuration for a driver that knows the images of this process. A program that is to run
// with it gets it as the value of the environment variable BESPOKE_STANDIN.
func Words(words ...string) string { return "modules=" + modules() + " " + strings.Join(words, " ") }

// Summary returns what is on the devices, and what was done wrong.
func (d *Driver) Summary() string {
	library, err := handle()
	if err != nil {
		d.tb.Fatal(err)
	}
	return summary(library)
}

func summary(library unsafe.Pointer) string { return C.GoString(C.standin_summary(library)) }

// Count returns a number of the summary.
func (d *Driver) Count(name string) int {
	return count(d.Summary(), name)
}

func count(summary, name string) int {
	for word := range strings.FieldsSeq(summary) {
		if value, ok := strings.CutPrefix(word, name+"="); ok {
			n := 0
			fmt.Sscan(value, &n)
			return n
		}
	}
	panic("standin: the summary has no " + name)
}

// check fails the test if something is left or went wrong.
func (d *Driver) check() {
	d.tb.Helper()
	if faults := faults(d.Summary()); faults != "" {
		d.tb.Error(faults)
	}
}

// faults says what is left on the devices and what was done wrong, "" for nothing.
func faults(summary string) string {
	for _, name := range []string{"allocations", "pinned", "streams", "events", "modules", "contexts"} {
		if count(summary, name) != 0 {
			return "standin: left behind: " + summary
		}
	}
	if strings.Contains(summary, "problem:") {
		return "standin: " + summary
	}
	return ""
}
