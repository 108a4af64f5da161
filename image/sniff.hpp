// What a file is, told from its first bytes (never from its name).
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace likeness {

enum class FileKind : std::uint8_t { jpeg, png, bmp, other };

FileKind sniff(std::span<const std::uint8_t> bytes);

/// For messages: "GIF", "WebP", "HEIC (or another picture of that family)", "PDF", "an empty file", "no known picture format", ...
std::string describe_unread(std::span<const std::uint8_t> bytes);

}  // namespace likeness
