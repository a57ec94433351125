//go:build !amd64 || purego

package rans

func families() []string { return nil }

func without(_ int, test func()) { test() }
