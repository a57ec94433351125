// Package torture does to bespoke what may happen to it in the world, and counts the results. [Sweep] gives broken
// containers to the functions that read them, broken in every known way or in a sample of these. [Kill] kills
// commands at random moments, and [Faults] runs commands where something that they need is denied. Both run a
// binary as a shell would, in folders of their own. They look only at exit codes, standard error and the files
// that are there afterwards. They need Linux.
//
// The callers are tests, and the command that makes the tables of docs/RELIABILITY.md.
package torture
