package main

import (
	"slices"

	"github.com/seed54244801/bespoke/internal/roofline"
)

// smallCopy is the size in words of the copies of memcpyBlocks: 64 KiB, as in a loop over small parts.
const smallCopy = 32 << 10

// copies returns the contenders that only move memory: one copy for each thread, copies of 64 KiB, the roofline
// and, if the weights are one unit, one copy of all of them for each thread.
func copies(d *dataSet, threads []int) []contender {
	var list []contender
	add := func(name string, move func(p span, threads int) (weights int, err error)) {
		for _, n := range threads {
			list = append(list, contender{name: name, threads: n, yardstick: memcpyName, work: timed(func(p int) (int, error) {
				return move(d.pieces[p], n)
			})})
		}
	}
	src, dst := slices.Clone(d.weights), touched(len(d.weights))
	add(memcpyName, func(p span, threads int) (int, error) {
		return inParts(p, threads, func(s span) { copy(dst[s.from:s.to], src[s.from:s.to]) })
	})
	blockSrc, blockDst := slices.Clone(d.weights), touched(len(d.weights))
	add(memcpyBlocks, func(p span, threads int) (int, error) {
		return inParts(p, threads, func(s span) {
			for ; s.from < s.to; s.from += smallCopy {
				end := min(s.to, s.from+smallCopy)
				copy(blockDst[s.from:end], blockSrc[s.from:end])
			}
		})
	})
	moved := touched(len(d.weights))
	stream, signMantissa := bytesOf(touched(roofline.StreamBytes(len(moved))/2+1)), bytesOf(touched(len(moved)/2+1))
	add(rooflineName, func(p span, threads int) (int, error) {
		return inParts(p, threads, func(s span) {
			roofline.Move(moved[s.from:s.to], stream[s.from/roofline.BlockWeights*roofline.BlockStream:], signMantissa[s.from:])
		})
	})
	if len(d.units) == 1 {
		allSrc, allDst := slices.Clone(d.weights), touched(len(d.weights))
		add(memcpyName+wholeSuffix, func(_ span, threads int) (int, error) {
			return inParts(d.units[0], threads, func(s span) { copy(allDst[s.from:s.to], allSrc[s.from:s.to]) })
		})
	}
	return list
}

// inParts divides a span among threads, in multiples of the roofline's block. It returns the length of the span.
func inParts(s span, threads int, do func(span)) (weights int, err error) {
	each := (s.len()/threads + roofline.BlockWeights) / roofline.BlockWeights * roofline.BlockWeights
	parts := equalSpans(s.len(), each)
	return s.len(), parallel(threads, len(parts), func(_, i int) error {
		do(span{s.from + parts[i].from, s.from + parts[i].to})
		return nil
	})
}
