// Package cudac finds a CUDA compiler on the machine and compiles kernels to PTX, the text that
// drivers translate for their device.
//
// Start with [Find], then [Compiler.PTX]. A compiler is nvcc; or clang with its NVPTX back end, which needs no
// CUDA toolkit; or NVRTC, the library of NVIDIA's that Python packages for CUDA bring along, driven by
// python3. One that cannot compile a trivial kernel (nvcc without a host compiler, say) is passed over.
//
// # What decides
//
// All of them run in a private folder with a chosen environment, see package isolated: nothing in the caller's folder, a
// model's perhaps, takes part, nor does a variable that adds flags or search paths. Python runs isolated, too: it finds
// NVRTC among its own packages, those of a virtual environment or of the system, and not among those that a user
// installed with pip --user. BESPOKE_NVRTC, or the option --cuda of the command, names a Python that has it.
//
// # The PTX
//
// PTX states the ISA version and the architecture from which on it can be used, and a driver older
// than that version refuses it ("unsupported PTX toolchain"). So the version is 6.0 (CUDA 9) and
// the architecture sm_50, the lowest that the kernels need: clang is told so; nvcc and NVRTC, which stamp
// their own version on everything, have their result relabelled when ptxas is at hand and accepts that.
//
// The same compiler and source give the same bytes: no path, time or comment of the compiler is
// left. The first line is that of the source, the second names the compiler and the SHA-256 of the
// source, so that PTX can be kept as long as its source is the same, where no compiler is at hand:
// see [SourceHash] and [CompilerOf].
package cudac
