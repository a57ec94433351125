// A peer for the benchmarks: a codec of bytes that codes the exponents of bf16 weights. peer.go describes
// the requests. The file that includes this one defines codec_bound, codec_encode and codec_decode.
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { segment_bytes = 1 << 20, max_threads = 64 };

// All return 0 for failure. worker is the number of the thread; threads must not share state.
static size_t codec_bound(size_t n);
static size_t codec_encode(int worker, uint8_t *dst, size_t room, const uint8_t *src, size_t n);
static size_t codec_decode(int worker, uint8_t *dst, size_t n, const uint8_t *src, size_t size);

typedef struct {
	size_t from, n; // of the weights
	uint8_t *coded;
	size_t size;
} segment;

typedef struct {
	size_t from, n, segments;
	segment *segment;
} piece;

static uint16_t *weights, *copied;
static uint8_t *exponents, *decoded;

// The data that the threads of one request share.
typedef struct {
	char what; // the first letter of the request
	int threads;
	piece *p;
	atomic_size_t next;
	atomic_int failed;
} job;

typedef struct {
	job *job;
	int worker;
} share;

static void *work(void *argument) {
	share *s = argument;
	job *j = s->job;
	if (j->what == 'm') {
		size_t each = (j->p->n + j->threads - 1) / j->threads, from = each * s->worker;
		if (from < j->p->n) {
			size_t n = from + each < j->p->n ? each : j->p->n - from;
			memcpy(copied + j->p->from + from, weights + j->p->from + from, 2 * n);
		}
		return NULL;
	}
	for (size_t i; (i = atomic_fetch_add(&j->next, 1)) < j->p->segments;) {
		segment *g = &j->p->segment[i];
		if (j->what == 'e') {
			g->size = codec_encode(s->worker, g->coded, codec_bound(segment_bytes), exponents + g->from, g->n);
			if (g->size == 0) j->failed = 1;
		} else if (codec_decode(s->worker, decoded + g->from, g->n, g->coded, g->size) != g->n) {
			j->failed = 1;
		}
	}
	return NULL;
}

// run returns the time in nanoseconds, -1 for failure.
static long long run(char what, int threads, piece *p) {
	job j = {.what = what, .threads = threads, .p = p};
	share shares[max_threads];
	pthread_t ids[max_threads];
	struct timespec start, end;
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (int i = threads - 1; i >= 0; i--) {
		shares[i] = (share){&j, i};
		if (i == 0) work(&shares[0]);
		else if (pthread_create(&ids[i], NULL, work, &shares[i])) exit(1);
	}
	for (int i = 1; i < threads; i++) pthread_join(ids[i], NULL);
	clock_gettime(CLOCK_MONOTONIC, &end);
	return j.failed ? -1 : (end.tv_sec - start.tv_sec) * 1000000000LL + end.tv_nsec - start.tv_nsec;
}

static void *memory(size_t n) {
	void *m = malloc(n);
	if (!m) exit(1);
	return memset(m, 1, n);
}

int main(void) {
	size_t pieces, n = 0, size = 0;
	int threads;
	if (scanf("%zu %d", &pieces, &threads) != 2 || threads < 1 || threads > max_threads) return 1;
	piece *all = memory(pieces * sizeof *all);
	for (size_t p = 0; p < pieces; p++) {
		all[p].from = n;
		if (scanf("%zu", &all[p].n) != 1) return 1;
		n += all[p].n;
	}
	getchar(); // the end of the line
	weights = memory(2 * n), copied = memory(2 * n), exponents = memory(n), decoded = memory(n);
	if (fread(weights, 2, n, stdin) != n) return 1;
	for (size_t i = 0; i < n; i++) exponents[i] = weights[i] >> 7;
	for (size_t p = 0; p < pieces; p++) {
		all[p].segments = (all[p].n + segment_bytes - 1) / segment_bytes;
		all[p].segment = memory(all[p].segments * sizeof(segment));
		for (size_t i = 0; i < all[p].segments; i++) {
			size_t at = i * segment_bytes, left = all[p].n - at;
			all[p].segment[i] = (segment){all[p].from + at, left < segment_bytes ? left : segment_bytes, memory(codec_bound(segment_bytes)), 0};
		}
		if (run('e', 1, &all[p]) < 0 || run('d', 1, &all[p]) < 0) return 1;
		for (size_t i = 0; i < all[p].segments; i++) size += all[p].segment[i].size;
	}
	if (memcmp(exponents, decoded, n)) return 1;
	printf("ok %.4f\n", 8.0 * size / n);
	fflush(stdout);
	char what[16];
	size_t p;
	while (scanf("%15s %d %zu", what, &threads, &p) == 3) {
		if (threads < 1 || threads > max_threads || p >= pieces) return 1;
		long long took = run(what[0], threads, &all[p]);
		if (took < 0) printf("failed\n");
		else printf("%zu %lld\n", all[p].n, took);
		fflush(stdout);
	}
	return 0;
}
