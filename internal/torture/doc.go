// Package torture does to bespoke what the world may do, and counts what comes of it. [Sweep] hands broken containers
// to what reads them, in every way that there is or in a sample of them. [Kill] kills commands at random moments, and
// [Faults] runs them where what they need is denied: both run a binary as a shell would, in folders of their own, and
// look at nothing but exit codes, standard error and the files that are there afterwards. They need Linux.
//
// Tests call it, and the command that makes the tables of docs/RELIABILITY.md.
package torture
