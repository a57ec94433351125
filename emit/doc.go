// Package emit turns a [Plan], what there is to know of a model, into the source files of a Go
// package that decodes its checkpoints: pure functions from plan to bytes, one file per target.
// [NewPlan] chooses the shapes of the decoders, once for all files.
//
//   - [CUDA] renders decode.cu from the templates;
//   - [Assembly] assembles decode_amd64.s and its Go stubs with avo;
//   - [Package], [Test] and [NoAssembly] render the Go sources around them with jennifer.
//
// For a model that is coded with rANS there is a [RansPlan], and [RansCUDA], [RansPackage] and [RansTest].
//
// The output depends on the plan alone, and not on clock, environment, paths or the order of maps. Equal plans
// give equal bytes. Every file opens with the comment marker of its language and [Plan.Header]. Tools recognise
// generated code by this line.
//
// If a function renders source that cannot be parsed, it returns that source and the error.
package emit
