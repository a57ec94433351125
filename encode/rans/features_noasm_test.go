//go:build !amd64 || purego

package rans

func portably(test func()) { test() }
