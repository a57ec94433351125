// Package fault turns hardware faults in mapped files into errors. A mapping reads the file when its memory is
// touched. If the file was cut short meanwhile, or its disk fails, a signal comes in the middle of a load, and
// ends a Go program.
//
// Code that maps a file calls [Register], and code that reads mapped memory does so under a [Guard]. Each
// goroutine needs its own guard. Work that is shared among several goroutines goes through a [Group], or each has
// a guard of its own.
//
// A guard costs some tens of nanoseconds. Guards may be nested, and may be put around small pieces of work.
package fault
