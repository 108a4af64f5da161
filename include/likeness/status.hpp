// Errors are values: a stable code and one sentence that says what to do. Nothing in this library aborts on input.
#pragma once

#include <optional>
#include <string>
#include <utility>

namespace likeness {

/// Stable error codes. Numbers are pinned: never renumber, only append. likeness.h gives C the same list.
enum class Code : int {
  ok = 0,
  invalid_argument = 1,    ///< A value passed by the caller is out of range or has the wrong shape.
  not_found = 2,           ///< A file or a named item does not exist.
  io_error = 3,            ///< The operating system refused a read or a write.
  unsupported_format = 4,  ///< The file is of a kind that is not read (only JPEG, PNG and BMP photos are).
  corrupt_image = 5,       ///< The picture is truncated or damaged.
  image_too_large = 6,     ///< The picture declares more pixels than the limit.
  image_too_small = 7,     ///< The picture is too small to hold a usable face.
  no_face = 8,             ///< No frontal face was found.
  face_too_small = 9,      ///< A face was found, but with too few pixels between the eyes.
  pose = 10,               ///< The face is turned too far from frontal.
  landmarks_bad = 11,      ///< The landmarks do not look like a face.
  corrupt_model = 12,      ///< A model file breaks the safetensors rules, lacks tensors, or is not the one that a SHA-256 vouches for.
  schema_mismatch = 13,    ///< A model was trained for another scene than the one loaded.
  corrupt_scene = 14,      ///< scene.json or the head asset is malformed.
  diverged = 15,           ///< The fit ran into non-finite numbers.
  client_failed = 16,      ///< The game client crashed, timed out or answered nonsense.
  unavailable = 17,        ///< The feature was left out of this build.
  out_of_memory = 18,      ///< An allocation failed. Only the C API says so: C++ callers get std::bad_alloc.
  internal = 19,           ///< A defect of the library: an exception that nobody foresaw. Only the C API says so.
};

/// The upper-case name of a code, as written to the ledger, e.g. "NO_FACE".
const char* code_name(Code code);

/// Success, or a code with a sentence.
struct [[nodiscard]] Status {
  Code code = Code::ok;
  std::string message;

  bool ok() const { return code == Code::ok; }
  static Status success() { return {}; }
};

/// A value, or the Status that says why there is none. Check ok() before value().
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}          // NOLINT(google-explicit-constructor): return values convert.
  Result(Status status) : status_(std::move(status)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  T& value() & { return *value_; }
  const T& value() const& { return *value_; }
  T&& value() && { return std::move(*value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace likeness
