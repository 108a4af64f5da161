// A strict reader and a deterministic writer of safetensors files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "likeness/status.hpp"

namespace likeness {

/// Element types that are read. i64 is carried (PyTorch's num_batches_tracked) but not converted.
enum class DType : std::uint8_t { f16, bf16, f32, f64, i64 };

/// The file's spelling: "F16", "BF16", "F32", "F64", "I64".
const char* dtype_name(DType dtype);
/// Bytes of one element.
std::size_t dtype_bytes(DType dtype);

/// Where a tensor lies and what it is. Row-major, little-endian.
struct TensorEntry {
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;  ///< empty: one number
  std::size_t begin = 0;            ///< offset of the first byte in the data section
  std::size_t bytes = 0;

  std::int64_t count() const { return static_cast<std::int64_t>(bytes / dtype_bytes(dtype)); }
};

/// "[64, 3, 7, 7]", for messages.
std::string shape_text(std::span<const std::int64_t> shape);

/// A checked file in memory. Immutable, so that threads may share it.
///
/// Stricter than the format's reference: the header is at most 1 MiB, starts with `{`, is padded with spaces only; no
/// duplicate keys at any level, no unknown fields; names are 1 to 256 of [A-Za-z0-9._-]; at most 4,096 tensors of rank at
/// most 8, none empty; the data section is tiled without a hole, an overlap or a byte left over; every number is finite as binary32.
class Safetensors {
 public:
  /// Checks `bytes`, a whole file, and keeps it. Errors: corrupt_model, with what is wrong and the tensor's name.
  static Result<Safetensors> parse(std::vector<std::uint8_t> bytes);
  /// Reads (as read_model_bytes() of model_file.hpp does) and checks a file. Errors: not_found, io_error, corrupt_model; the message
  /// begins with the path.
  static Result<Safetensors> load(const std::filesystem::path& path);

  /// The strings of `__metadata__`; empty where there is none.
  const std::map<std::string, std::string, std::less<>>& metadata() const { return metadata_; }
  /// The string of one metadata key, or "" where it is missing.
  std::string_view metadata(std::string_view key) const;

  const std::map<std::string, TensorEntry, std::less<>>& tensors() const { return tensors_; }
  bool contains(std::string_view name) const { return tensors_.contains(name); }
  /// nullptr where there is no such tensor.
  const TensorEntry* find(std::string_view name) const;

  /// The stored bytes of an entry of this file; not aligned.
  std::span<const std::uint8_t> raw(const TensorEntry& entry) const;
  /// The tensor as binary32 into the caller's storage; fp16 and bf16 exactly, f64 rounded to the nearest.
  /// Errors: not_found, corrupt_model (i64), invalid_argument (`out` of another length).
  Status read_f32(std::string_view name, std::span<float> out) const;
  /// The same, with a check of the shape. Errors: as above, and corrupt_model where the shape differs.
  Status read_f32(std::string_view name, std::span<const std::int64_t> shape, std::span<float> out) const;
  /// The same into new memory.
  Result<std::vector<float>> floats(std::string_view name) const;

  /// Hexadecimal SHA-256 of the whole file, for reports. Computed on every call, unless a manifest gave it.
  std::string sha256() const;
  std::size_t file_bytes() const { return bytes_.size(); }

 private:
  std::vector<std::uint8_t> bytes_;
  std::string sha256_;  // where load() knows it
  std::size_t data_begin_ = 0;
  std::map<std::string, std::string, std::less<>> metadata_;
  std::map<std::string, TensorEntry, std::less<>> tensors_;
};

/// Collects tensors and writes them. The bytes depend only on what was added, not on the order.
class SafetensorsWriter {
 public:
  void set_metadata(std::string key, std::string value) { metadata_[std::move(key)] = std::move(value); }
  /// Adds binary32 values, stored as `dtype` (f16, bf16, f32 or f64; fp16 and bf16 are rounded to the nearest, ties to even).
  /// Errors: invalid_argument (bad or repeated name, shape does not match, a value that is not finite once stored).
  Status add(std::string name, std::vector<std::int64_t> shape, std::span<const float> values, DType dtype = DType::f32);

  /// The file. Tensors are sorted by name; the header is padded with spaces to a multiple of 8.
  /// Errors: invalid_argument (more than the reader accepts, or metadata that is not UTF-8).
  Result<std::vector<std::uint8_t>> bytes() const;
  /// Writes it through a temporary file. Errors: as bytes(), and io_error.
  Status save(const std::filesystem::path& path) const;

 private:
  struct Stored {
    DType dtype;
    std::vector<std::int64_t> shape;
    std::vector<std::uint8_t> bytes;
  };
  std::map<std::string, std::string> metadata_;
  std::map<std::string, Stored> tensors_;
};

}  // namespace likeness
