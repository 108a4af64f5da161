// The register tile in bfloat16: pairs of products, summed in single precision (vdpbf16ps of AVX512-BF16).
//
//   sum[m, n] += weight[2k + 1, m] x[2k + 1, n];  sum[m, n] += weight[2k, m] x[2k, n]     (one instruction)
//
// A pair is a 32-bit number, the even product's factor in its lower half. Highway 1.0.3 cannot emit the instruction, so these functions
// are intrinsics, chosen at run time; the emulation, plain C++ for vectors of any length, is what tests hold them against, and what runs
// where Highway's choice of instructions has other vectors than 16 floats. Emulated sums may differ in the last bits, and the instruction
// takes subnormal numbers for zero.
#pragma once

#include <cstdint>

#include "kernels/conv_tiles.hpp"

namespace likeness::kernels {

/// Neighbouring lanes of a vector that are neighbours in the source.
struct Segment {
  std::int64_t from;    ///< of lane 0 within the source (which need not exist)
  std::uint32_t lanes;  ///< one bit each
};

/// A tile's vectors: those of vector v are segment[begin[v]] to segment[begin[v + 1]].
struct Segments {
  Segment segment[2 * kTilePlaces];
  int begin[kTilePlaces + 1];
  int vectors;
};

/// Products of one tile to be rounded: to[(k / 2) * kTilePlaces + n] holds those of k and k + 1, rounded to the nearest, ties to even.
struct PairCopy {
  const float* source;
  const float* mask;           ///< like the source, where > 0 the source counts; or nullptr
  const std::int64_t* places;  ///< [products] from which the segments count
  std::int64_t products;       ///< the partner of a last odd one is zero
  std::uint32_t* to;
};

/// sums[m * kTilePlaces + n] for m < 8, `pairs` deep, continued (`more`) or from 0; with `finishing` they go there instead.
struct PairTile {
  const std::uint32_t* panel;  ///< [pairs][8]
  const std::uint32_t* next;   ///< what to call into the cache
  const std::uint32_t* block;  ///< [pairs][kTilePlaces]
  std::int64_t pairs;
  bool more;
  float* sums;
  const Finishing* finishing;  ///< whole vectors
};

/// Whether the processor has the instructions, limits of LIKENESS_TARGETS aside: then functions of namespace avx512 may be called.
bool has_bf16_dot();

/// Vectors of 16 floats.
namespace avx512 {
void copy_pairs(const PairCopy& copy, const Segments& segments);
void pair_tile(const PairTile& tile, int vectors);
}  // namespace avx512

/// The same with vectors of `lanes` floats; without `finishing`.
namespace emulated {
void copy_pairs(const PairCopy& copy, const Segments& segments, int lanes);
void pair_tile(const PairTile& tile);
}  // namespace emulated

}  // namespace likeness::kernels
