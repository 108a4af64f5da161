// SHA-256 (FIPS 180-4). Our own, because the scene client must build on a bare machine that has a compiler only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace likeness {

/// The digest of bytes that come piece by piece. Where the processor has SHA instructions (x86), they are used: six times as fast.
class Sha256 {
 public:
  enum class Rounds { fastest, portable };
  explicit Sha256(Rounds rounds = Rounds::fastest);

  void add(std::span<const std::uint8_t> bytes);
  /// Of everything added so far, as 64 lower-case hexadecimal digits.
  std::string hex() const;

 private:
  using State = std::array<std::uint32_t, 8>;
  void (*absorb_)(State& state, const std::uint8_t* blocks, std::size_t count);
  State state_;
  std::array<std::uint8_t, 64> rest_;  // bytes behind the last whole block
  std::uint64_t size_ = 0;
};

/// The digest as 64 lower-case hexadecimal digits.
std::string sha256_hex(std::span<const std::uint8_t> bytes);
std::string sha256_hex(std::string_view text);

}  // namespace likeness
