// Package driver stands between package gorgonia.org/cu and NVIDIA's driver library, so that one
// binary runs on machines with and without a GPU. It only exists in builds with the tag cuda.
//
// Package cu is made to be linked with libcuda: the loader then refuses to start the program where
// there is none, and cu ends it where cuInit fails. Here every driver function that cu refers to is
// a trampoline, a function of the same name and arguments that binds libcuda on first use and jumps
// there. cuInit itself does nothing: the trampoline called first loads the library and initialises it.
// A program that never asks for a GPU never loads the driver.
//
// Where there is no driver, or it does not initialise, cuDeviceGetCount reports no devices, everything else
// fails, and [Missing] says why.
//
// The library is libcuda.so.1, or what the environment variable BESPOKE_LIBCUDA names.
//
// functions.txt lists the functions; mktrampolines writes trampolines.c from it.
package driver

//go:generate go run ./mktrampolines functions.txt trampolines.c
