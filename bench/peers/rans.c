// rANS of order 0 in 32 interleaved states, by htscodecs, which chooses its vector instructions itself.
#include <htscodecs/rANS_static4x16.h>

#include "peer.h"

static size_t codec_bound(size_t n) { return rans_compress_bound_4x16(n, RANS_ORDER_X32); }

static size_t codec_encode(int worker, uint8_t *dst, size_t room, const uint8_t *src, size_t n) {
	(void)worker;
	unsigned size = room;
	return rans_compress_to_4x16((uint8_t *)src, n, dst, &size, RANS_ORDER_X32) ? size : 0;
}

static size_t codec_decode(int worker, uint8_t *dst, size_t n, const uint8_t *src, size_t size) {
	(void)worker;
	unsigned got = n;
	return rans_uncompress_to_4x16((uint8_t *)src, size, dst, &got) ? got : 0;
}
