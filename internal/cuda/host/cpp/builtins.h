// The builtins of device code, see host.h, for the block that runs. One file of a program includes it.
#pragma once

#include <algorithm>
#include <memory>

#include "fibers.h"

HostIndex threadIdx, blockIdx, gridDim;

namespace {

Block *block;
std::unique_ptr<unsigned char[]> dynamic_shared;
unsigned dynamic_bytes;

}  // namespace

void __syncthreads() { block->block_barrier(); }
void __syncwarp() { block->exchange(0); }
int __any_sync(unsigned, int predicate) {
    const unsigned *lanes = block->exchange(predicate != 0);
    return std::any_of(lanes, lanes + warp_lanes, [](unsigned lane) { return lane != 0; });
}
unsigned __ballot_sync(unsigned, int predicate) {
    const unsigned *lanes = block->exchange(predicate != 0);
    unsigned all = 0;
    for (unsigned i = 0; i < warp_lanes; i++) all |= lanes[i] << i;
    return all;
}
unsigned __shfl_up_sync(unsigned, unsigned value, unsigned delta) {
    return block->shuffle(value, [delta](unsigned lane) { return lane < delta ? lane : lane - delta; });
}
unsigned __shfl_sync(unsigned, unsigned value, unsigned from) {
    return block->shuffle(value, [from](unsigned) { return from; });
}
unsigned __shfl_xor_sync(unsigned, unsigned value, unsigned lanes) {
    return block->shuffle(value, [lanes](unsigned lane) { return lane ^ lanes; });
}
std::uint8_t *host_dynamic_shared() { return dynamic_shared.get(); }
unsigned host_dynamic_shared_bytes() { return dynamic_bytes; }
