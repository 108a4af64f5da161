// The limits that the reader enforces and the writer keeps.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace likeness::rules {

constexpr std::uint64_t kMaxHeaderBytes = 1U << 20;
constexpr std::size_t kMaxTensors = 4096;
constexpr std::size_t kMaxRank = 8;
constexpr std::uint64_t kMaxDataBytes = std::uint64_t{1} << 31;  ///< offsets and products below this fit size_t on 32 bits too
constexpr const char* kMetadata = "__metadata__";

inline bool valid_name(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= 256 && std::all_of(name.begin(), name.end(), allowed);
}

}  // namespace likeness::rules
