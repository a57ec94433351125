package isolated

import (
	"os"
	"path/filepath"
	"strings"
)

// kept are the variables that a program gets of the caller's: places, so that what is installed is found. What they
// have of relative paths, which would name other places than the caller meant, is left out.
var kept = []string{
	"PATH",            // compilers call others: nvcc calls g++, and a wrapper what it wraps
	"LD_LIBRARY_PATH", // the libraries of what is installed for one user: compilers, NVRTC
	"HOME",            // wrappers such as those of pyenv and ccache keep their own things there
	"CUDA_HOME",       // the toolkit, by one name
	"CUDA_PATH",       // and by the other
	"NVCC_CCBIN",      // the host compiler, where nvcc does not take the one in PATH
}

// Environ returns the whole environment of programs in the folder: PATH, LD_LIBRARY_PATH, HOME, CUDA_HOME, CUDA_PATH and
// NVCC_CCBIN as the caller has them, without relative paths; the folder for temporary files; plain English; and no
// configuration files for clang. What Windows cannot do without, package os/exec adds.
func (f Folder) Environ() []string {
	env := []string{
		"TMPDIR=" + string(f), "TMP=" + string(f), "TEMP=" + string(f),
		"LC_ALL=C",
		"CLANG_NO_DEFAULT_CONFIG=1", // from version 16 on; those before have none for their plain name
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
