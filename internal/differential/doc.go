// Package differential holds all decoders against each other on broken streams: whatever is wrong with a stream, each
// of them gives the weights that the reference in package codebook gives, or the reference's error. Tests call it, and
// the command that makes the tables of docs/RELIABILITY.md.
package differential
