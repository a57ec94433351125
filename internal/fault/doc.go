// Package fault turns what the hardware says of mapped files into errors. A mapping reads the file when it is
// touched: where the file was cut short meanwhile, or its disk fails, a signal comes in the middle of a load, and
// ends a Go program.
//
// Whoever maps a file tells so with [Register], and whoever reads mapped memory does it under a [Guard]. That is a
// matter of each goroutine: work that is shared among several goes through a [Group], or each has its own guard.
//
// A guard costs some tens of nanoseconds. Guards may be nested, and stand around small pieces of work.
package fault
