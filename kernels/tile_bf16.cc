// No flags of this file ask for the instructions: each function that uses them says so itself, and nothing here is shared with another
// file, so that no other function is compiled for a processor that may not be there.
#include "kernels/tile_bf16.hpp"

#include "base/bfloat16.hpp"

#if (defined(__x86_64__) || defined(__i386__)) && defined(__GNUC__) && __has_include(<avx512bf16intrin.h>)
#define LIKENESS_HAS_BF16 1
#include <immintrin.h>
#else
#define LIKENESS_HAS_BF16 0
#endif

namespace likeness {

#if LIKENESS_HAS_BF16

namespace kernels {

bool has_bf16_dot() {
  return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}

#define LIKENESS_BF16 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")))

namespace {

constexpr int kRows = static_cast<int>(kPanelRows);

// `used` lanes of a vector at `from`, zero elsewhere and where the mask says so.
template <bool kMasked>
LIKENESS_BF16 inline __m512 load(const float* from, const float* mask, __mmask16 used) {
  if constexpr (kMasked) used = _mm512_mask_cmp_ps_mask(used, _mm512_maskz_loadu_ps(used, mask), _mm512_setzero_ps(), _CMP_GT_OQ);
  return _mm512_maskz_loadu_ps(used, from);
}

// Vector v of the product at `place`; kMost: segments, 0 for any number.
template <bool kMasked, int kMost>
LIKENESS_BF16 inline __m512 gather(const PairCopy& c, std::int64_t place, const Segment* segment, int count) {
  __m512 v = _mm512_setzero_ps();
  for (int i = 0; i < (kMost == 0 ? count : kMost); ++i) {
    const std::int64_t from = place + segment[i].from;
    const __m512 part = load<kMasked>(c.source + from, kMasked ? c.mask + from : nullptr, static_cast<__mmask16>(segment[i].lanes));
    v = i == 0 ? part : _mm512_or_ps(v, part);
  }
  return v;
}

template <bool kMasked, int kMost>
LIKENESS_BF16 void copy_vector(const PairCopy& c, const Segment* segment, int count, std::uint32_t* to) {
  const __m512i interleave = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20, 4, 19,
                                              3, 18, 2, 17, 1, 16, 0);
  for (std::int64_t k = 0; k < c.products; k += 2, to += kTilePlaces) {
    const __m512 even = gather<kMasked, kMost>(c, c.places[k], segment, count);
    const __m512 odd = k + 1 < c.products ? gather<kMasked, kMost>(c, c.places[k + 1], segment, count) : _mm512_setzero_ps();
    const __m512i both = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(odd, even));
    _mm512_storeu_si512(to, _mm512_permutexvar_epi16(interleave, both));
  }
}

template <bool kMasked>
LIKENESS_BF16 void copy_all(const PairCopy& c, const Segments& s) {
  for (int v = 0; v < s.vectors; ++v) {
    const Segment* segment = s.segment + s.begin[v];
    const int count = s.begin[v + 1] - s.begin[v];
    if (count == 1) {
      copy_vector<kMasked, 1>(c, segment, count, c.to + 16 * v);
    } else if (count == 2) {
      copy_vector<kMasked, 2>(c, segment, count, c.to + 16 * v);
    } else {
      copy_vector<kMasked, 0>(c, segment, count, c.to + 16 * v);
    }
  }
}

template <int kUsed>
LIKENESS_BF16 void tile_of(const PairTile& t) {
  __m512 sum[kRows][kUsed];
#pragma GCC unroll 8
  for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 8
    for (int v = 0; v < kUsed; ++v) sum[m][v] = t.more ? _mm512_load_ps(t.sums + m * kTilePlaces + 16 * v) : _mm512_setzero_ps();
  }
  const std::uint32_t* panel = t.panel;
  const std::uint32_t* next = t.next;
  const std::uint32_t* block = t.block;
  for (std::int64_t k = 0; k < t.pairs; ++k, panel += kRows, next += kRows, block += kTilePlaces) {
    __m512bh x[kUsed];
#pragma GCC unroll 8
    for (int v = 0; v < kUsed; ++v) x[v] = reinterpret_cast<__m512bh>(_mm512_load_si512(block + 16 * v));
    _mm_prefetch(reinterpret_cast<const char*>(next), _MM_HINT_T0);
#pragma GCC unroll 8
    for (int m = 0; m < kRows; ++m) {
      const auto weight = reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int>(panel[m])));
#pragma GCC unroll 8
      for (int v = 0; v < kUsed; ++v) sum[m][v] = _mm512_dpbf16_ps(sum[m][v], weight, x[v]);
    }
  }
  const __m512 zero = _mm512_setzero_ps();
#pragma GCC unroll 8
  for (int m = 0; m < kRows; ++m) {
    if (t.finishing == nullptr) {
#pragma GCC unroll 8
      for (int v = 0; v < kUsed; ++v) _mm512_store_ps(t.sums + m * kTilePlaces + 16 * v, sum[m][v]);
      continue;
    }
    const Finishing& f = *t.finishing;
    float* to = f.out + m * f.channel_stride;
    const __m512 bias = _mm512_set1_ps(f.bias == nullptr ? 0.0F : f.bias[m]);
#pragma GCC unroll 8
    for (int v = 0; v < kUsed; ++v) {
      __m512 y = _mm512_add_ps(sum[m][v], bias);
      if (f.residual != nullptr) y = _mm512_add_ps(y, _mm512_loadu_ps(f.residual + m * f.channel_stride + 16 * v));
      if (f.relu) y = _mm512_mask_mov_ps(y, _mm512_cmp_ps_mask(y, zero, _CMP_LT_OQ), zero);  // NaN stays NaN
      _mm512_storeu_ps(to + 16 * v, y);
    }
  }
}

}  // namespace

namespace avx512 {

void copy_pairs(const PairCopy& copy, const Segments& segments) {
  if (copy.mask != nullptr) return copy_all<true>(copy, segments);
  copy_all<false>(copy, segments);
}

void pair_tile(const PairTile& tile, int vectors) {
  if (vectors == 1) return tile_of<1>(tile);
  if (vectors == 2) return tile_of<2>(tile);
  tile_of<3>(tile);
}

}  // namespace avx512

#else

namespace kernels {

bool has_bf16_dot() { return false; }

namespace avx512 {
void copy_pairs(const PairCopy&, const Segments&) {}
void pair_tile(const PairTile&, int) {}
}  // namespace avx512

#endif

namespace emulated {

void copy_pairs(const PairCopy& c, const Segments& s, int lanes) {
  for (std::int64_t k = 0; k < c.products; ++k) {
    std::uint32_t* row = c.to + k / 2 * kTilePlaces;
    for (int v = 0; v < s.vectors; ++v) {
      std::uint32_t* to = row + v * lanes;
      for (int i = 0; k % 2 == 0 && i < lanes; ++i) to[i] = 0;
      for (int j = s.begin[v]; j < s.begin[v + 1]; ++j) {
        for (int i = 0; i < lanes; ++i) {
          const std::int64_t from = c.places[k] + s.segment[j].from + i;
          if ((s.segment[j].lanes >> i & 1U) == 0 || (c.mask != nullptr && !(c.mask[from] > 0.0F))) continue;
          to[i] |= static_cast<std::uint32_t>(bfloat16_from_float(c.source[from])) << (16 * (k % 2));
        }
      }
    }
  }
}

void pair_tile(const PairTile& t) {
  const auto even = [](std::uint32_t pair) { return float_from_bfloat16(static_cast<std::uint16_t>(pair)); };
  const auto odd = [](std::uint32_t pair) { return float_from_bfloat16(static_cast<std::uint16_t>(pair >> 16)); };
  for (std::int64_t m = 0; m < kPanelRows; ++m) {
    for (std::int64_t n = 0; n < kTilePlaces; ++n) {
      float sum = t.more ? t.sums[m * kTilePlaces + n] : 0.0F;
      for (std::int64_t k = 0; k < t.pairs; ++k) {
        const std::uint32_t weight = t.panel[k * kPanelRows + m];
        const std::uint32_t x = t.block[k * kTilePlaces + n];
        sum += odd(weight) * odd(x);  // the product is exact
        sum += even(weight) * even(x);
      }
      t.sums[m * kTilePlaces + n] = sum;
    }
  }
}

}  // namespace emulated
}  // namespace kernels
}  // namespace likeness
