// Package differential compares all decoders on broken streams. Whatever is wrong with a stream, each decoder must
// give the weights of the reference in package codebook, or its error. The callers are tests, and the command that
// makes the tables of docs/RELIABILITY.md.
package differential
