// Package torture kills bespoke at random moments, and runs it where what it needs is denied, and counts what
// comes of it: [Kill] and [Faults]. Both run commands of a binary as a shell would, in folders of their own, and
// look at nothing but exit codes, standard error and the files that are there afterwards.
//
// It needs Linux.
package torture
