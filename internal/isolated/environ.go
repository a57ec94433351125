package isolated

import (
	"os"
	"path/filepath"
	"strings"
)

// kept are the variables of the caller that a program gets. They name places, so that installed programs are
// found. Relative paths in them would name other places than the caller meant, so they are left out.
var kept = []string{
	"PATH",            // compilers call others: nvcc calls g++, and a wrapper what it wraps
	"LD_LIBRARY_PATH", // the libraries of compilers and NVRTC that are installed for one user
	"HOME",            // wrappers such as those of pyenv and ccache keep their files there
	"CUDA_HOME",       // the toolkit, by one name
	"CUDA_PATH",       // the toolkit, by the other name
	"NVCC_CCBIN",      // the host compiler, if nvcc is not to take the one in PATH
}

// Environ returns the whole environment of programs in the folder: PATH, LD_LIBRARY_PATH, HOME, CUDA_HOME,
// CUDA_PATH and NVCC_CCBIN of the caller, without relative paths; the folder for temporary files; plain English;
// and no configuration files for clang. Package os/exec adds the variables that Windows needs.
func (f Folder) Environ() []string {
	env := []string{
		"TMPDIR=" + string(f), "TMP=" + string(f), "TEMP=" + string(f),
		"LC_ALL=C",
		"CLANG_NO_DEFAULT_CONFIG=1", // from version 16 on; older versions have none for their plain name
	}
	for _, name := range kept {
		var places []string
		for _, place := range filepath.SplitList(os.Getenv(name)) {
			if filepath.IsAbs(place) {
				places = append(places, place)
			}
		}
		if places != nil {
			env = append(env, name+"="+strings.Join(places, string(filepath.ListSeparator)))
		}
	}
	return env
}
