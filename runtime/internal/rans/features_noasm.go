//go:build !amd64 || purego

package rans

// families is empty: there is no assembly.
var families []family
