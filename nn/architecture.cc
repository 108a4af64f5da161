// Architectures from the JSON of a model file's metadata. Everything is bounded before any memory is taken.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "likeness/nn.hpp"
#include "weights/strict_json.hpp"

namespace likeness {
namespace {

using nlohmann::json;

constexpr int kMostChannels = 8192;

// Reads fields of an object; the first problem is kept.
class Fields {
 public:
  Fields(std::string what, const json& object) : what_(std::move(what)), object_(object) {
    if (!object.is_object()) fail("is not an object");
  }
  const json* find(const char* name) {
    if (!status_.ok()) return nullptr;
    const auto it = object_.find(name);
    return it == object_.end() ? nullptr : &*it;
  }
  void text(const char* name, std::string& out, bool required = true) {
    const json* value = find(name);
    if (value == nullptr && !required) return;
    if (value == nullptr || !value->is_string()) return fail(std::string("\"") + name + "\" is not a text");
    out = value->get<std::string>();
  }
  void integer(const char* name, int low, int high, int& out, bool required = true) {
    const json* value = find(name);
    if (value == nullptr && !required) return;
    if (value == nullptr || !in_range(*value, low, high)) {
      return fail(std::string("\"") + name + "\" is not an integer from " + std::to_string(low) + " to " + std::to_string(high));
    }
    out = value->get<int>();
  }
  void boolean(const char* name, bool& out) {
    const json* value = find(name);
    if (value == nullptr || !value->is_boolean()) return fail(std::string("\"") + name + "\" is not true or false");
    out = value->get<bool>();
  }
  void booleans(const char* name, std::size_t most, std::vector<bool>& out) {
    const json* value = find(name);
    if (value == nullptr) return;
    const auto is_boolean = [](const json& item) { return item.is_boolean(); };
    if (!value->is_array() || value->size() > most || !std::all_of(value->begin(), value->end(), is_boolean)) {
      return fail(std::string("\"") + name + "\" is not a list of at most " + std::to_string(most) + " times true or false");
    }
    out = value->get<std::vector<bool>>();
  }
  void integers(const char* name, std::size_t least, std::size_t most, int high, std::vector<int>& out) {
    const json* value = find(name);
    if (value == nullptr || !value->is_array() || value->size() < least || value->size() > most) {
      return fail(std::string("\"") + name + "\" is not a list of " + (least < most ? std::to_string(least) + " to " : "") +
                  std::to_string(most) + " integers");
    }
    out.clear();
    for (const json& item : *value) {
      if (!in_range(item, 1, high))
        return fail(std::string("\"") + name + "\" holds something else than integers from 1 to " + std::to_string(high));
      out.push_back(item.get<int>());
    }
  }
  void colour(const char* name, std::array<float, 3>& out, bool positive) {
    const json* value = find(name);
    const auto bad = [&] { fail(std::string("\"") + name + "\" is not three " + (positive ? "positive " : "") + "numbers"); };
    if (value == nullptr || !value->is_array() || value->size() != out.size()) return bad();
    for (std::size_t i = 0; i < out.size(); ++i) {
      const json& item = (*value)[i];
      if (!item.is_number()) return bad();
      out[i] = item.get<float>();
      if (!std::isfinite(out[i]) || std::abs(out[i]) > 1e3F || (positive && out[i] < 1e-3F)) return bad();
    }
  }
  void fail(const std::string& message) {
    if (status_.ok()) status_ = {Code::corrupt_model, what_ + ": " + message};
  }
  const Status& status() const { return status_; }

 private:
  static bool in_range(const json& value, int low, int high) {
    if (!value.is_number_integer()) return false;
    if (value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(high)) return false;
    return value.get<std::int64_t>() >= low && value.get<std::int64_t>() <= high;
  }

  std::string what_;
  const json& object_;
  Status status_;
};

}  // namespace

Result<GeneratorArchitecture> GeneratorArchitecture::parse(std::string_view text) {
  const Result<json> root = parse_strict_object(text, "generator architecture");
  if (!root.ok()) return root.status();
  Fields fields("generator architecture", *root);
  GeneratorArchitecture a;
  std::string type;
  fields.text("type", type);
  if (type != "generator") fields.fail("\"type\" is not \"generator\"");
  fields.integer("inputs", 1, kMostChannels, a.inputs);
  fields.integers("channels", 1, 10, kMostChannels, a.channels);
  fields.text("schema", a.schema, false);
  fields.integer("first_kernel", 1, 16, a.first_kernel, false);
  std::string output = "sigmoid";
  fields.text("output", output, false);
  if (output == "tanh") {
    a.output = GeneratorOutput::tanh;
  } else if (output == "linear") {
    a.output = GeneratorOutput::linear;
  } else if (output != "sigmoid") {
    fields.fail("\"output\" is none of \"sigmoid\", \"tanh\" and \"linear\"");
  }
  if (fields.status().ok() && a.channels.back() != 3) fields.fail("the last of \"channels\" is not 3");
  if (!fields.status().ok()) return fields.status();
  return a;
}

Result<ResidualArchitecture> ResidualArchitecture::parse(std::string_view text) {
  const Result<json> root = parse_strict_object(text, "extractor architecture");
  if (!root.ok()) return root.status();
  Fields fields("extractor architecture", *root);
  ResidualArchitecture a;
  std::string type;
  std::string block;
  fields.text("type", type);
  if (type != "residual") fields.fail("\"type\" is not \"residual\"");
  fields.text("block", block);
  if (block != "basic" && block != "bottleneck") fields.fail("\"block\" is neither \"basic\" nor \"bottleneck\"");
  a.bottleneck = block == "bottleneck";
  fields.integers("layers", 1, 4, 64, a.layers);
  fields.integers("widths", a.layers.size(), a.layers.size(), kMostChannels / 4, a.widths);
  fields.integer("input_size", 16, 4096, a.input_size);
  fields.colour("mean", a.mean, false);
  fields.colour("std", a.std, true);
  fields.booleans("replace_stride_with_dilation", a.layers.empty() ? 0 : a.layers.size() - 1, a.replace_stride_with_dilation);
  if (const json* stem = fields.find("stem")) {
    Fields inner("extractor architecture, \"stem\"", *stem);
    inner.integer("width", 1, kMostChannels, a.stem_width);
    inner.integer("kernel", 1, 15, a.stem_kernel);
    inner.integer("stride", 1, 8, a.stem_stride);
    inner.boolean("max_pool", a.stem_max_pool);
    if (a.stem_kernel % 2 == 0) inner.fail("\"kernel\" is even");
    if (!inner.status().ok()) return inner.status();
  } else {
    fields.fail("\"stem\" is missing");
  }
  if (const json* head = fields.find("head"); head != nullptr && !head->is_null()) {
    Fields inner("extractor architecture, \"head\"", *head);
    std::string head_type;
    inner.text("type", head_type);
    if (head_type != "pyramid" && head_type != "fcn") inner.fail("\"type\" is neither \"pyramid\" nor \"fcn\"");
    if (head_type == "fcn") a.head = SegmentationHead::fcn;
    inner.integer("width", 1, kMostChannels, a.head_width);
    inner.integer("classes", 1, 1024, a.head_classes);
    if (!inner.status().ok()) return inner.status();
  }
  if (!fields.status().ok()) return fields.status();
  return a;
}

}  // namespace likeness
