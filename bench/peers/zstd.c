// zstd at level 1, by the library of its authors.
#include <zstd.h>

#include "peer.h"

static ZSTD_CCtx *compressors[max_threads];
static ZSTD_DCtx *decompressors[max_threads];

static size_t codec_bound(size_t n) { return ZSTD_compressBound(n); }

static size_t codec_encode(int worker, uint8_t *dst, size_t room, const uint8_t *src, size_t n) {
	if (!compressors[worker]) compressors[worker] = ZSTD_createCCtx();
	size_t size = ZSTD_compressCCtx(compressors[worker], dst, room, src, n, 1);
	return ZSTD_isError(size) ? 0 : size;
}

static size_t codec_decode(int worker, uint8_t *dst, size_t n, const uint8_t *src, size_t size) {
	if (!decompressors[worker]) decompressors[worker] = ZSTD_createDCtx();
	size = ZSTD_decompressDCtx(decompressors[worker], dst, n, src, size);
	return ZSTD_isError(size) ? 0 : size;
}
