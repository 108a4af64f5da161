#include "weights/safetensors.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

#include "base/sha256.hpp"
#include "weights/half.hpp"
#include "weights/model_file.hpp"
#include "weights/safetensors_rules.hpp"
#include "weights/strict_json.hpp"

static_assert(std::endian::native == std::endian::little, "tensors are read as they lie in the file");

namespace likeness {
namespace {

using nlohmann::json;

Status corrupt(const std::string& message) { return {Code::corrupt_model, "safetensors: " + message}; }

std::optional<DType> dtype_from_name(std::string_view name) {
  for (const DType dtype : {DType::f16, DType::bf16, DType::f32, DType::f64, DType::i64}) {
    if (name == dtype_name(dtype)) return dtype;
  }
  return std::nullopt;
}

template <class T>
T load_as(const std::uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

// One header entry to a TensorEntry. Its place is checked by the caller, which knows the neighbours.
Result<TensorEntry> parse_entry(const std::string& name, const json& value) {
  const auto bad = [&](const std::string& problem) { return corrupt("tensor " + name + ": " + problem); };
  if (!value.is_object()) return bad("is described by something else than an object");
  const auto dtype = value.find("dtype");
  const auto shape = value.find("shape");
  const auto offsets = value.find("data_offsets");
  if (dtype == value.end() || shape == value.end() || offsets == value.end() || value.size() != 3) {
    return bad("needs exactly dtype, shape and data_offsets");
  }
  TensorEntry entry;
  if (!dtype->is_string()) return bad("dtype is no string");
  const auto& spelling = dtype->get_ref<const std::string&>();
  const std::optional<DType> known = dtype_from_name(spelling);
  if (!known) return bad("dtype \"" + spelling.substr(0, 16) + "\" is not read (F16, BF16, F32, F64 and I64 are)");
  entry.dtype = *known;
  if (!shape->is_array() || shape->size() > rules::kMaxRank) return bad("shape is no list of at most 8 sizes");
  std::uint64_t bytes = dtype_bytes(entry.dtype);
  for (const json& size : *shape) {
    if (!size.is_number_unsigned()) return bad("shape holds something else than whole numbers");
    const auto n = size.get<std::uint64_t>();
    if (n == 0) return bad("is empty");
    if (n > rules::kMaxDataBytes / bytes) return bad("is larger than any file");
    bytes *= n;
    entry.shape.push_back(static_cast<std::int64_t>(n));
  }
  if (!offsets->is_array() || offsets->size() != 2 || !(*offsets)[0].is_number_unsigned() || !(*offsets)[1].is_number_unsigned()) {
    return bad("data_offsets is no pair of whole numbers");
  }
  const auto begin = (*offsets)[0].get<std::uint64_t>();
  const auto end = (*offsets)[1].get<std::uint64_t>();
  if (end < begin || end > rules::kMaxDataBytes || end - begin != bytes)
    return bad("data_offsets do not span what its shape " + shape_text(entry.shape) + " needs");
  entry.begin = static_cast<std::size_t>(begin);
  entry.bytes = static_cast<std::size_t>(bytes);
  return entry;
}

// No hole, no overlap, nothing behind the last tensor.
Status check_tiling(const std::map<std::string, TensorEntry, std::less<>>& tensors, std::size_t data_bytes) {
  std::vector<std::pair<std::size_t, const std::string*>> order;
  order.reserve(tensors.size());
  for (const auto& [name, entry] : tensors) order.emplace_back(entry.begin, &name);
  std::sort(order.begin(), order.end());
  std::size_t position = 0;
  for (const auto& [begin, name] : order) {
    if (begin != position) return corrupt("tensor " + *name + ": leaves a hole or overlaps its neighbour");
    const std::size_t bytes = tensors.find(*name)->second.bytes;
    if (bytes > data_bytes - position) return corrupt("tensor " + *name + ": ends behind the end of the file (truncated?)");
    position += bytes;
  }
  if (position != data_bytes) return corrupt("bytes are left over behind the last tensor");
  return Status::success();
}

// Whether every number is one that binary32 can hold: that is what the networks compute with.
bool all_finite(DType dtype, std::span<const std::uint8_t> raw) {
  // A number is not finite if and only if all bits of its exponent are set. No early exit, so that the loops vectorise.
  const auto scan = [&]<class Word>(Word mask) {
    bool bad = false;
    for (std::size_t i = 0; i < raw.size(); i += sizeof(Word)) bad |= (load_as<Word>(raw.data() + i) & mask) == mask;
    return !bad;
  };
  switch (dtype) {
    case DType::f16:
      return scan(std::uint16_t{0x7C00});
    case DType::bf16:
      return scan(std::uint16_t{0x7F80});
    case DType::f32:
      return scan(std::uint32_t{0x7F800000});
    case DType::f64: {
      constexpr std::uint64_t kLeastTooLarge = 0x47EFFFFFF0000000;  // 2^128 - 2^103: it and all above round to infinity, or are none
      bool bad = false;
      for (std::size_t i = 0; i < raw.size(); i += 8)
        bad |= (load_as<std::uint64_t>(raw.data() + i) & (~std::uint64_t{0} >> 1)) >= kLeastTooLarge;
      return !bad;
    }
    case DType::i64:
      break;
  }
  return true;
}

}  // namespace

const char* dtype_name(DType dtype) {
  switch (dtype) {
    case DType::f16:
      return "F16";
    case DType::bf16:
      return "BF16";
    case DType::f32:
      return "F32";
    case DType::f64:
      return "F64";
    case DType::i64:
      break;
  }
  return "I64";
}

std::size_t dtype_bytes(DType dtype) {
  if (dtype == DType::f16 || dtype == DType::bf16) return 2;
  return dtype == DType::f32 ? 4 : 8;
}

std::string shape_text(std::span<const std::int64_t> shape) {
  std::string text = "[";
  for (const std::int64_t n : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(n);
  return text + "]";
}

Result<Safetensors> Safetensors::parse(std::vector<std::uint8_t> bytes) {
  if (bytes.size() < 8) return corrupt("the file is shorter than the 8 bytes of its header's length");
  const auto header_bytes = load_as<std::uint64_t>(bytes.data());
  if (load_as<std::uint32_t>(bytes.data()) == 0x04034B50) {
    return corrupt("this is a zip file, as torch.save() writes: train/export_state_dict.py makes a model file of it");
  }
  if (header_bytes > rules::kMaxHeaderBytes) return corrupt("the header is longer than 1 MiB (or this is no safetensors file)");
  if (header_bytes > bytes.size() - 8) return corrupt("the header ends behind the end of the file (truncated?)");
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + 8, static_cast<std::size_t>(header_bytes));
  Result<json> header = parse_strict_object(text, "safetensors: header");
  if (!header.ok()) return header.status();

  Safetensors file;
  if (const auto metadata = header->find(rules::kMetadata); metadata != header->end()) {
    if (!metadata->is_object()) return corrupt("__metadata__ is no object");
    for (const auto& [key, value] : metadata->items()) {
      if (!value.is_string()) return corrupt("__metadata__ holds something else than strings");
      file.metadata_[key] = value.get<std::string>();
    }
    header->erase(metadata);
  }
  if (header->size() > rules::kMaxTensors) return corrupt("more than 4096 tensors");
  for (const auto& [name, value] : header->items()) {
    if (!rules::valid_name(name)) return corrupt("a tensor's name is not 1 to 256 letters, digits, dots, hyphens and underscores");
    Result<TensorEntry> entry = parse_entry(name, value);
    if (!entry.ok()) return entry.status();
    file.tensors_.emplace(name, std::move(*entry));
  }
  file.data_begin_ = 8 + static_cast<std::size_t>(header_bytes);
  if (Status status = check_tiling(file.tensors_, bytes.size() - file.data_begin_); !status.ok()) return status;
  file.bytes_ = std::move(bytes);
  for (const auto& [name, entry] : file.tensors_) {
    if (!all_finite(entry.dtype, file.raw(entry))) return corrupt("tensor " + name + ": holds infinity, NaN, or a number beyond binary32");
  }
  return file;
}

Result<Safetensors> Safetensors::load(const std::filesystem::path& path) {
  std::string sha256;
  Result<std::vector<std::uint8_t>> bytes = read_model_bytes(path, &sha256);
  if (!bytes.ok()) return bytes.status();
  Result<Safetensors> file = parse(std::move(*bytes));
  if (!file.ok()) return Status{file.status().code, path.string() + ": " + file.status().message};
  file->sha256_ = std::move(sha256);
  return file;
}

std::string_view Safetensors::metadata(std::string_view key) const {
  const auto found = metadata_.find(key);
  return found == metadata_.end() ? std::string_view() : std::string_view(found->second);
}

const TensorEntry* Safetensors::find(std::string_view name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

std::span<const std::uint8_t> Safetensors::raw(const TensorEntry& entry) const {
  return std::span(bytes_).subspan(data_begin_ + entry.begin, entry.bytes);
}

std::string Safetensors::sha256() const { return sha256_.empty() ? sha256_hex(bytes_) : sha256_; }

Status Safetensors::read_f32(std::string_view name, std::span<float> out) const {
  const TensorEntry* entry = find(name);
  if (entry == nullptr) return {Code::not_found, "the model has no tensor " + std::string(name)};
  if (entry->dtype == DType::i64) return corrupt("tensor " + std::string(name) + ": holds whole numbers where weights are expected");
  if (out.size() != static_cast<std::size_t>(entry->count())) {
    return {Code::invalid_argument, "tensor " + std::string(name) + " has " + std::to_string(entry->count()) +
                                        " numbers, the caller has room for " + std::to_string(out.size())};
  }
  const std::uint8_t* from = raw(*entry).data();
  switch (entry->dtype) {
    case DType::f16:
      for (std::size_t i = 0; i < out.size(); ++i) out[i] = float_from_half(load_as<std::uint16_t>(from + 2 * i));
      break;
    case DType::bf16:
      for (std::size_t i = 0; i < out.size(); ++i) out[i] = float_from_bfloat16(load_as<std::uint16_t>(from + 2 * i));
      break;
    case DType::f64:
      for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(load_as<double>(from + 8 * i));
      break;
    default:
      std::memcpy(out.data(), from, entry->bytes);
  }
  return Status::success();
}

Status Safetensors::read_f32(std::string_view name, std::span<const std::int64_t> shape, std::span<float> out) const {
  const TensorEntry* entry = find(name);
  if (entry != nullptr && !std::equal(shape.begin(), shape.end(), entry->shape.begin(), entry->shape.end())) {
    return corrupt("tensor " + std::string(name) + " has shape " + shape_text(entry->shape) + ", the architecture needs " +
                   shape_text(shape));
  }
  return read_f32(name, out);
}

Result<std::vector<float>> Safetensors::floats(std::string_view name) const {
  const TensorEntry* entry = find(name);
  std::vector<float> values(entry == nullptr ? 0 : static_cast<std::size_t>(entry->count()));
  if (Status status = read_f32(name, values); !status.ok()) return status;
  return values;
}

}  // namespace likeness
