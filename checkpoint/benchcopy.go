package checkpoint

import "sync"

const (
	// copyBlock is what a thread copies at a time: 32 Ki words. It fits the second-level cache.
	copyBlock = 64 << 10
	// freshBytes is the part of a block that a decoder would read: 1.34 of every 2 bytes.
	freshBytes = copyBlock * 134 / 200
)

// each lets threads go over the bytes of every unit, block by block, each thread over a part of its own.
func (b *bench) each(threads int, move func(to, from []byte, i int)) error {
	for u, n := range b.sizes {
		var group sync.WaitGroup
		bytes := 2 * n
		unitTo, unitFrom := b.to[2*b.at[u]:], b.from[2*b.at[u]:]
		part := (bytes/threads + copyBlock) / copyBlock * copyBlock
		for low := 0; low < bytes; low += part {
			to, from := unitTo[low:min(low+part, bytes)], unitFrom[low:min(low+part, bytes)]
			group.Go(func() {
				for i := 0; i < len(to); i += copyBlock {
					move(to[i:min(i+copyBlock, len(to))], from, i)
				}
			})
		}
		group.Wait()
	}
	return b.ctx.Err()
}

// memcpyBlock copies the block at i.
func memcpyBlock(to, from []byte, i int) { copy(to, from[i:]) }

// rooflineBlock fills a block with as little traffic as a decoder can have: the first part comes from
// memory not read before, the rest from what that has just brought into the cache.
func rooflineBlock(to, from []byte, i int) {
	fresh := from[i/copyBlock*freshBytes:]
	n := copy(to[:min(len(to), freshBytes)], fresh)
	copy(to[n:], fresh)
}
