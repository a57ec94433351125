// Package gen generates the Go package with the decoders of a model, from the model to the files.
//
//	a, err := checkpoint.Analyse(ctx, "models/llama", checkpoint.AnalyseOptions{}) // histograms, code books
//	p, err := gen.NewPackage(a, "llama", gen.PackageOptions{})                     // what to generate
//	r, err := gen.Generate(ctx, p, gen.Options{Compiler: compiler})                // files in memory
//	err = gen.Write("out/llama", r.Files, false)                                   // all of them or none
//
// The files are NAME.go and NAME_test.go, the assembly decoder with its Go declarations, decode.cu,
// decode.ptx when a CUDA compiler is at hand, decode.fatbin when it is asked for, and [ManifestName].
//
// # Same input, same bytes
//
// The files depend on the code books, the histograms and the name of the model, and on nothing
// else; only decode.ptx depends on a compiler too. So that a folder does not change with the
// compilers of whoever generates it again, Generate keeps a decode.ptx that was compiled from the
// very decode.cu at hand, and says so in its report.
//
// # Code books
//
// A model that is compressed already brings its code books. For any other they are chosen by the
// scheme "model" of package codebook, the scheme that checkpoints are compressed with by default,
// so that the generated decoders and the compressed checkpoint agree.
package gen
