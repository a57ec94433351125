// Package torture hands broken input to what reads it, in every way that there is or in a sample of them, and
// counts what becomes of it. Tests call it, and the command that makes the tables of docs/RELIABILITY.md.
package torture
