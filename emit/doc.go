// Package emit turns a [Plan], what there is to know of a model, into the source files of a Go
// package that decodes its checkpoints: pure functions from plan to bytes, one file per target.
// [NewPlan] chooses the shapes of the decoders, once for all files.
//
//   - [CUDA] renders decode.cu from the templates;
//   - [Assembly] assembles decode_amd64.s and its Go stubs with avo;
//   - [Package], [Test] and [NoAssembly] render the Go sources around them with jennifer.
//
// Nothing but the plan reaches the output: no clock, environment, path or map order. Equal plans
// give equal bytes. Every file opens with [Plan.Header] behind the comment marker of its language,
// the form that tools recognise as generated code.
//
// A function that renders source which does not parse returns the error and that source.
package emit
