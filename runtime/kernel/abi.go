package kernel

// ABI is the version of the contract between generated decoders and package runtime: what they find where in a job and its
// tables, and how kernels are launched. It goes up with every change of that, so that a package that was generated
// before is refused and not run.
const ABI = 1
