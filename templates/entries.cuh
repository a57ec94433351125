// The kernels of a model, by the names that they are launched by.
#pragma once

#include "matvec.cuh"
#include "model.cuh"

namespace bespoke {

// The published kernel's entry: grid ceil(n_bytes / 4096), block 512, and for M elements in the largest
// chunk 512 * 4 + 4 + 2 * M bytes of dynamic shared memory.
extern "C" __global__ void __launch_bounds__(512, 3)
decode(const uint8_t *__restrict__ luts, const uint8_t *__restrict__ codes,
       const uint8_t *__restrict__ sign_mantissa, const uint32_t *__restrict__ output_positions,
       const uint8_t *__restrict__ gaps, uint16_t *__restrict__ outputs, const int n_luts, const int n_bytes,
       const int n_elements) {
    if (n_bytes < 0 || n_elements < 0) return;
    const Unit unit = {luts, codes, sign_mantissa, output_positions, gaps, outputs, static_cast<uint32_t>(n_luts),
                       static_cast<uint32_t>(n_bytes), static_cast<uint32_t>(n_elements), 0, nullptr};
    decode_block(unit, Model<512>(), PublishedRoom());
}

// The entry of our own: grid ceil(n_bytes / 4096), block native_threads, and it is told how much dynamic
// shared memory it has. What is wrong with the unit goes to *error, see error_word.
extern "C" __global__ void __launch_bounds__(ModelPart::native_threads, ModelPart::native_blocks)
decode_native(const uint8_t *__restrict__ luts, const uint8_t *__restrict__ codes,
              const uint8_t *__restrict__ sign_mantissa, const uint32_t *__restrict__ output_positions,
              const uint8_t *__restrict__ gaps, uint16_t *__restrict__ outputs, const uint32_t n_luts,
              const uint32_t n_bytes, const uint32_t n_elements, const uint32_t shared_bytes, const uint32_t number,
              uint64_t *__restrict__ error) {
    const Unit unit = {luts, codes, sign_mantissa, output_positions, gaps, outputs, n_luts, n_bytes, n_elements,
                       number, error};
    if (unit.too_large()) return report(unit, sizes, block_index());
    decode_block(unit, Model<ModelPart::native_threads>(), GivenRoom{shared_bytes});
}

// One pass by the tile index: block 256, and a grid of as many blocks as run at once, up to ceil(tiles / 8).
extern "C" __global__ void __launch_bounds__(256, 4)
decode_tiles(const uint8_t *__restrict__ luts, const uint8_t *__restrict__ codes,
             const uint8_t *__restrict__ sign_mantissa, const uint8_t *__restrict__ tiles,
             uint16_t *__restrict__ outputs, const uint32_t n_luts, const uint32_t n_bytes, const uint32_t n_elements,
             const uint32_t number, uint64_t *__restrict__ error) {
    __shared__ TileBlock<Model<256>> shared;
    const TileUnit unit(luts, codes, sign_mantissa, tiles, outputs, n_luts, n_bytes, n_elements, number, error);
    if (unit.too_large()) return report(unit, sizes, block_index());
    decode_tile(unit, Model<256>(), shared);
}

// The product of a part of the unit with up to 8 vectors, see Product: block 256, and a grid of as many blocks as run
// at once, up to ceil(tiles / (8 run)) for the tiles that hold weights of the matrix and run = ceil(columns / 2048).
extern "C" __global__ void __launch_bounds__(256, 3)
matvec(const uint8_t *__restrict__ luts, const uint8_t *__restrict__ codes,
       const uint8_t *__restrict__ sign_mantissa, const uint8_t *__restrict__ tiles, const uint16_t *__restrict__ x,
       float *__restrict__ y, const uint32_t n_luts, const uint32_t n_bytes, const uint32_t n_elements,
       const uint32_t first, const uint32_t rows, const uint32_t columns, const uint32_t batch, const uint32_t number,
       uint64_t *__restrict__ error) {
    __shared__ TileBlock<Model<256>> shared;
    const TileUnit unit(luts, codes, sign_mantissa, tiles, nullptr, n_luts, n_bytes, n_elements, number, error);
    const Product product = {x, y, first, rows, columns, batch};
    if (unit.too_large() || !product.valid(n_elements)) return report(unit, sizes, block_index());
    multiply(unit, product, Model<256>(), shared);
}

}  // namespace bespoke
