// Package gen generates the Go package with the decoders of a model, from the model to the files.
//
//	a, err := checkpoint.Analyse(ctx, "models/llama", checkpoint.AnalyseOptions{}) // histograms, code books
//	p, err := gen.NewPackage(a, "llama", gen.PackageOptions{})                     // what to generate
//	r, err := gen.Generate(ctx, p, gen.Options{Compiler: compiler})                // files in memory
//	err = gen.Write("out/llama", r.Files, false)                                   // all of them or none
//
// The files are NAME.go and NAME_test.go, the assembly decoder with its Go declarations, decode.cu, and
// [ManifestName]. With a CUDA compiler there is decode.ptx, and on request decode.fatbin.
//
// For a model that is coded with rANS, they are NAME.go, NAME_test.go, rans.cu and [ManifestName], and rans.ptx and
// rans.fatbin: the kernels of its forms and its tables. See [RansManifest].
//
// # Same input, same bytes
//
// The files depend only on the code books and histograms, on the names of model, units and package, and on the
// size of a compressed model. PTX and fatbins also depend on a compiler. Generate keeps PTX that was compiled
// from the same source, and says so in its report. So a folder does not change if it is
// generated again with another compiler.
//
// # Code books
//
// A model that is compressed already has its code books. For any other the scheme "model" of package codebook
// chooses them. It is the default scheme for compressing checkpoints, so the generated decoders and the compressed
// checkpoint agree.
package gen
