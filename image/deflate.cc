#include "image/deflate.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace likeness {
namespace {

constexpr int kMinMatch = 3;
constexpr int kMaxMatch = 258;
constexpr std::size_t kWindow = 32768;
constexpr int kChain = 64;                     // candidates that are compared; more pays little
constexpr std::size_t kBlockTokens = 1 << 15;  // tokens a block; every block has its own codes
constexpr int kLiterals = 286;                 // 256 bytes, end of block, 29 length codes
constexpr int kDistances = 30;
constexpr int kEnd = 256;

class BitSink {
 public:
  explicit BitSink(std::vector<std::uint8_t>& out) : out_(out) {}
  void put(std::uint32_t value, int bits) {
    held_ |= std::uint64_t{value} << count_;
    count_ += bits;
    while (count_ >= 8) {
      out_.push_back(static_cast<std::uint8_t>(held_));
      held_ >>= 8;
      count_ -= 8;
    }
  }
  void align() {
    if (count_ > 0) put(0, 8 - count_);
  }

 private:
  std::vector<std::uint8_t>& out_;
  std::uint64_t held_ = 0;
  int count_ = 0;
};

// A code of RFC 1951 3.2.5 for lengths (base 257) and distances: symbol, extra bits, value of the extra bits.
struct Coded {
  int symbol;
  int extra_bits;
  std::uint32_t extra;
};

Coded code_length_of_match(int length) {
  if (length == kMaxMatch) return {285, 0, 0};
  const auto v = static_cast<std::uint32_t>(length - kMinMatch);
  if (v < 8) return {257 + static_cast<int>(v), 0, 0};
  const int extra = std::bit_width(v) - 3;
  return {257 + 4 * extra + static_cast<int>(v >> extra), extra, v & ((1U << extra) - 1)};
}

Coded code_distance(std::uint32_t distance) {
  const std::uint32_t v = distance - 1;
  if (v < 4) return {static_cast<int>(v), 0, 0};
  const int extra = std::bit_width(v) - 2;
  return {2 * extra + static_cast<int>(v >> extra), extra, v & ((1U << extra) - 1)};
}

struct Token {
  std::uint16_t length_or_byte;
  std::uint16_t distance;  // 0: a literal byte
};

struct Code {
  std::vector<std::uint8_t> length;  // 0: the symbol does not occur
  std::vector<std::uint16_t> bits;   // in the order in which they are written
};

// Lengths of an optimal prefix code, none above `limit`.
std::vector<std::uint8_t> huffman_lengths(const std::vector<std::uint32_t>& frequency, int limit) {
  std::vector<std::pair<std::uint32_t, int>> used;
  for (std::size_t s = 0; s < frequency.size(); ++s) {
    if (frequency[s] > 0) used.emplace_back(frequency[s], static_cast<int>(s));
  }
  std::vector<std::uint8_t> lengths(frequency.size(), 0);
  if (used.empty()) return lengths;
  std::sort(used.begin(), used.end());
  const std::size_t n = used.size();
  if (n == 1) {
    lengths[static_cast<std::size_t>(used[0].second)] = 1;
    return lengths;
  }
  // Two queues: the sorted leaves, and the inner nodes, which arise in order.
  std::vector<std::uint64_t> weight(2 * n - 1);
  std::vector<std::size_t> parent(2 * n - 1, 0);
  for (std::size_t i = 0; i < n; ++i) weight[i] = used[i].first;
  std::size_t leaf = 0;
  std::size_t inner = n;
  for (std::size_t node = n; node < 2 * n - 1; ++node) {
    for (int child = 0; child < 2; ++child) {
      const bool take_leaf = leaf < n && (inner >= node || weight[leaf] <= weight[inner]);
      const std::size_t taken = take_leaf ? leaf++ : inner++;
      weight[node] += weight[taken];
      parent[taken] = node;
    }
  }
  std::vector<int> depth(2 * n - 1, 0);
  std::array<int, 64> with_depth{};
  for (std::size_t node = 2 * n - 2; node-- > 0;) {
    depth[node] = depth[parent[node]] + 1;
    if (node < n) ++with_depth[static_cast<std::size_t>(std::min(depth[node], limit))];
  }
  // Cutting at the limit overfills the code; lengthen shorter codes until Kraft's sum is 1 again.
  std::int64_t sum = 0;
  const auto at = [&](int d) -> int& { return with_depth[static_cast<std::size_t>(d)]; };
  for (int d = 1; d <= limit; ++d) sum += static_cast<std::int64_t>(at(d)) << (limit - d);
  for (; sum > (std::int64_t{1} << limit); --sum) {
    int d = limit - 1;
    while (at(d) == 0) --d;
    --at(d);
    at(d + 1) += 2;
    --at(limit);
  }
  std::size_t next = n;  // the most frequent symbols get the shortest codes
  for (int d = 1; d <= limit; ++d) {
    for (int i = 0; i < at(d); ++i) lengths[static_cast<std::size_t>(used[--next].second)] = static_cast<std::uint8_t>(d);
  }
  return lengths;
}

Code make_code(const std::vector<std::uint32_t>& frequency, int limit) {
  Code code{huffman_lengths(frequency, limit), std::vector<std::uint16_t>(frequency.size(), 0)};
  std::uint32_t value = 0;
  for (int d = 1; d <= limit; ++d, value <<= 1) {
    for (std::size_t s = 0; s < frequency.size(); ++s) {
      if (code.length[s] != d) continue;
      std::uint32_t reversed = 0;
      for (int b = 0; b < d; ++b) reversed |= ((value >> b) & 1U) << (d - 1 - b);
      code.bits[s] = static_cast<std::uint16_t>(reversed);
      ++value;
    }
  }
  return code;
}

// The lengths of both codes, run-length coded by the symbols 16 to 18 (RFC 1951 3.2.7).
std::vector<Coded> run_lengths(const std::vector<std::uint8_t>& lengths) {
  std::vector<Coded> out;
  for (std::size_t i = 0; i < lengths.size();) {
    std::size_t run = 1;
    while (i + run < lengths.size() && lengths[i + run] == lengths[i]) ++run;
    const int value = lengths[i];
    i += run;
    if (value != 0) {
      out.push_back({value, 0, 0});
      --run;
    }
    while (run >= 3) {
      const std::size_t n = std::min<std::size_t>(run, value != 0 ? 6 : 138);
      if (value != 0) {
        out.push_back({16, 2, static_cast<std::uint32_t>(n - 3)});
      } else {
        out.push_back(n <= 10 ? Coded{17, 3, static_cast<std::uint32_t>(n - 3)} : Coded{18, 7, static_cast<std::uint32_t>(n - 11)});
      }
      run -= n;
    }
    for (; run > 0; --run) out.push_back({value, 0, 0});
  }
  return out;
}

void write_block(BitSink& sink, std::span<const Token> tokens, bool last) {
  std::vector<std::uint32_t> literal_count(kLiterals, 0);
  std::vector<std::uint32_t> distance_count(kDistances, 0);
  for (const Token t : tokens) {
    ++literal_count[static_cast<std::size_t>(t.distance == 0 ? t.length_or_byte : code_length_of_match(t.length_or_byte).symbol)];
    if (t.distance != 0) ++distance_count[static_cast<std::size_t>(code_distance(t.distance).symbol)];
  }
  literal_count[kEnd] = 1;
  // Some decoders do not accept a block without any distance code.
  if (std::all_of(distance_count.begin(), distance_count.end(), [](std::uint32_t n) { return n == 0; })) distance_count[0] = 1;
  const Code literals = make_code(literal_count, 15);
  const Code distances = make_code(distance_count, 15);

  std::vector<std::uint8_t> lengths = literals.length;
  lengths.insert(lengths.end(), distances.length.begin(), distances.length.end());
  const std::vector<Coded> runs = run_lengths(lengths);
  std::vector<std::uint32_t> run_count(19, 0);
  for (const Coded& r : runs) ++run_count[static_cast<std::size_t>(r.symbol)];
  const Code meta = make_code(run_count, 7);
  constexpr std::array<std::uint8_t, 19> kOrder = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};

  sink.put(last ? 1 : 0, 1);
  sink.put(2, 2);
  sink.put(kLiterals - 257, 5);
  sink.put(kDistances - 1, 5);
  sink.put(19 - 4, 4);
  for (const std::uint8_t s : kOrder) sink.put(meta.length[s], 3);
  const auto put_symbol = [&](const Code& code, int symbol) {
    sink.put(code.bits[static_cast<std::size_t>(symbol)], code.length[static_cast<std::size_t>(symbol)]);
  };
  for (const Coded& r : runs) {
    put_symbol(meta, r.symbol);
    sink.put(r.extra, r.extra_bits);
  }
  for (const Token t : tokens) {
    if (t.distance == 0) {
      put_symbol(literals, t.length_or_byte);
      continue;
    }
    const Coded length = code_length_of_match(t.length_or_byte);
    const Coded distance = code_distance(t.distance);
    put_symbol(literals, length.symbol);
    sink.put(length.extra, length.extra_bits);
    put_symbol(distances, distance.symbol);
    sink.put(distance.extra, distance.extra_bits);
  }
  put_symbol(literals, kEnd);
}

// Finds earlier occurrences through chains of equal hashes of 3 bytes.
class Matcher {
 public:
  explicit Matcher(std::span<const std::uint8_t> raw) : raw_(raw), head_(1 << 15, kNone), previous_(kWindow, kNone) {}

  struct Match {
    int length = 0;
    std::size_t distance = 0;
  };

  // The longest match at `at`, the nearest of equals.
  Match find(std::size_t at) const {
    Match best;
    const std::size_t room = std::min<std::size_t>(kMaxMatch, raw_.size() - at);
    if (room < kMinMatch) return best;
    std::size_t candidate = head_[hash(at)];
    for (int i = 0; i < kChain && candidate != kNone && at - candidate <= kWindow - 1; ++i) {
      const auto best_length = static_cast<std::size_t>(best.length);
      if (best_length == 0 || raw_[candidate + best_length] == raw_[at + best_length]) {
        std::size_t length = 0;
        while (length < room && raw_[candidate + length] == raw_[at + length]) ++length;
        if (length >= kMinMatch && length > best_length) {
          best = {static_cast<int>(length), at - candidate};
          if (length == room) break;
        }
      }
      const std::size_t next = previous_[candidate % kWindow];
      if (next == kNone || next >= candidate) break;
      candidate = next;
    }
    return best;
  }
  void insert(std::size_t at) {
    if (raw_.size() - at < kMinMatch) return;
    previous_[at % kWindow] = head_[hash(at)];
    head_[hash(at)] = at;
  }

 private:
  static constexpr std::size_t kNone = ~std::size_t{0};
  std::size_t hash(std::size_t at) const {
    const std::uint32_t three = raw_[at] | static_cast<std::uint32_t>(raw_[at + 1]) << 8 | static_cast<std::uint32_t>(raw_[at + 2]) << 16;
    return (three * 2654435761U) >> 17;
  }
  std::span<const std::uint8_t> raw_;
  std::vector<std::size_t> head_;
  std::vector<std::size_t> previous_;
};

std::uint32_t adler32(std::span<const std::uint8_t> raw) {
  std::uint32_t a = 1;
  std::uint32_t b = 0;
  while (!raw.empty()) {
    const std::size_t n = std::min<std::size_t>(raw.size(), 5552);  // the most that cannot overflow (RFC 1950)
    for (const std::uint8_t byte : raw.first(n)) {
      a += byte;
      b += a;
    }
    a %= 65521;
    b %= 65521;
    raw = raw.subspan(n);
  }
  return b << 16 | a;
}

}  // namespace

std::vector<std::uint8_t> zlib_compress(std::span<const std::uint8_t> raw) {
  std::vector<std::uint8_t> out = {0x78, 0x9C};
  BitSink sink(out);
  Matcher matcher(raw);
  std::vector<Token> tokens;
  tokens.reserve(kBlockTokens);
  const auto emit = [&](Token token) {
    if (tokens.size() == kBlockTokens) {
      write_block(sink, tokens, false);
      tokens.clear();
    }
    tokens.push_back(token);
  };
  std::size_t at = 0;
  Matcher::Match match = raw.empty() ? Matcher::Match{} : matcher.find(0);
  while (at < raw.size()) {
    matcher.insert(at);
    const Matcher::Match next = at + 1 < raw.size() && match.length < kMaxMatch ? matcher.find(at + 1) : Matcher::Match{};
    // Lazy: a longer match one byte later is worth a literal now. Three bytes from far away cost more than as literals.
    if (match.length < kMinMatch || next.length > match.length || (match.length == kMinMatch && match.distance > 4096)) {
      emit({raw[at], 0});
      ++at;
      match = next;
      continue;
    }
    emit({static_cast<std::uint16_t>(match.length), static_cast<std::uint16_t>(match.distance)});
    const std::size_t end = at + static_cast<std::size_t>(match.length);
    while (++at < end) matcher.insert(at);
    match = at < raw.size() ? matcher.find(at) : Matcher::Match{};
  }
  write_block(sink, tokens, true);
  sink.align();
  const std::uint32_t check = adler32(raw);
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(check >> shift));
  return out;
}

}  // namespace likeness
