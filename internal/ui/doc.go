// Package ui renders what the command line prints for people: tables, bars and progress.
//
// Everything goes to a writer that the caller gives; nothing here looks for a terminal by itself except
// [IsTerminal]. Programs read the JSON forms of the commands, never this output.
package ui
