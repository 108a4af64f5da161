#include <cmath>
#include <cstring>

#include "base/file.hpp"
#include "weights/half.hpp"
#include "weights/safetensors.hpp"
#include "weights/safetensors_rules.hpp"
#include "weights/strict_json.hpp"

namespace likeness {
namespace {

template <class T>
bool put(std::uint8_t* at, T stored, bool finite) {
  std::memcpy(at, &stored, sizeof(stored));
  return finite;
}

// Stores one value; false where it is not finite once stored (65520 and above as fp16, for one).
bool store(DType dtype, float value, std::uint8_t* at) {
  switch (dtype) {
    case DType::f16: {
      const std::uint16_t half = half_from_float(value);
      return put(at, half, (half & 0x7C00U) != 0x7C00U);
    }
    case DType::bf16: {
      const std::uint16_t half = bfloat16_from_float(value);
      return put(at, half, (half & 0x7F80U) != 0x7F80U);
    }
    case DType::f64:
      return put(at, static_cast<double>(value), std::isfinite(value));
    default:
      return put(at, value, std::isfinite(value));
  }
}

}  // namespace

Status SafetensorsWriter::add(std::string name, std::vector<std::int64_t> shape, std::span<const float> values, DType dtype) {
  const auto bad = [&](const std::string& problem) {
    return Status{Code::invalid_argument, "safetensors: tensor " + name + ": " + problem};
  };
  if (!rules::valid_name(name) || name == rules::kMetadata) return bad("not a name that can be read back");
  if (tensors_.contains(name)) return bad("added twice");
  if (dtype == DType::i64) return bad("floating-point values cannot be stored as I64");
  if (shape.size() > rules::kMaxRank) return bad("has more than 8 dimensions");
  std::uint64_t count = 1;
  for (const std::int64_t n : shape) {
    if (n < 1 || static_cast<std::uint64_t>(n) > rules::kMaxDataBytes / 8 / count)
      return bad("shape " + shape_text(shape) + " is empty or too large");
    count *= static_cast<std::uint64_t>(n);
  }
  if (count != values.size()) return bad("has " + std::to_string(values.size()) + " values for shape " + shape_text(shape));
  Stored stored{dtype, std::move(shape), std::vector<std::uint8_t>(values.size() * dtype_bytes(dtype))};
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!store(dtype, values[i], stored.bytes.data() + i * dtype_bytes(dtype))) {
      return bad("value " + std::to_string(i) + " is not finite as " + dtype_name(dtype));
    }
  }
  tensors_.emplace(std::move(name), std::move(stored));
  return Status::success();
}

Result<std::vector<std::uint8_t>> SafetensorsWriter::bytes() const {
  if (tensors_.size() > rules::kMaxTensors) return Status{Code::invalid_argument, "safetensors: more than 4096 tensors"};
  // An ordered object: `__metadata__` comes first, as in the reference's files, then the tensors in the order of their data.
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata_.empty()) header[rules::kMetadata] = metadata_;
  std::size_t position = 0;
  for (const auto& [name, tensor] : tensors_) {
    header[name] = {
        {"dtype", dtype_name(tensor.dtype)}, {"shape", tensor.shape}, {"data_offsets", {position, position + tensor.bytes.size()}}};
    position += tensor.bytes.size();
  }
  // `replace` never throws; the comparison afterwards finds metadata that it had to change.
  std::string text = header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  const nlohmann::json read_back = nlohmann::json::parse(text, nullptr, false);
  if (!metadata_.empty() && read_back.value(rules::kMetadata, std::map<std::string, std::string>()) != metadata_) {
    return Status{Code::invalid_argument, "safetensors: metadata is not valid UTF-8"};
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  if (text.size() > rules::kMaxHeaderBytes) return Status{Code::invalid_argument, "safetensors: the header exceeds 1 MiB"};
  std::vector<std::uint8_t> out;
  out.reserve(8 + text.size() + position);
  const std::uint64_t length = text.size();
  for (int i = 0; i < 8; ++i) out.push_back(static_cast<std::uint8_t>(length >> (8 * i)));
  out.insert(out.end(), text.begin(), text.end());
  for (const auto& [name, tensor] : tensors_) out.insert(out.end(), tensor.bytes.begin(), tensor.bytes.end());
  return out;
}

Status SafetensorsWriter::save(const std::filesystem::path& path) const {
  const Result<std::vector<std::uint8_t>> file = bytes();
  return file.ok() ? write_file_atomic(path, file.value()) : file.status();
}

}  // namespace likeness
