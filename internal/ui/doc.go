// Package ui renders what the command line prints for people: tables, bars and progress.
//
// Everything goes to a writer that the caller gives. Only [IsTerminal] looks for a terminal by itself. Programs
// read the JSON forms of the commands, never this output.
package ui
