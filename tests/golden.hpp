// What PyTorch computed: tests/fixtures/*.safetensors, written by train/make_fixtures.py.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "likeness/autodiff.hpp"
#include "weights/safetensors.hpp"

namespace likeness::test {

/// A file of tests/fixtures.
inline Safetensors golden_file(const std::string& name) {
  Result<Safetensors> file = Safetensors::load(std::string(LIKENESS_SOURCE_DIR) + "/tests/fixtures/" + name);
  EXPECT_TRUE(file.ok()) << file.status().message;
  return file.ok() ? std::move(*file) : Safetensors();
}

/// A tensor stored as F64 or F32, as T; a failure and an empty one where there is none.
template <class T>
Tensor<T> golden(const Safetensors& file, const std::string& name) {
  const TensorEntry* entry = file.find(name);
  EXPECT_NE(entry, nullptr) << name;
  if (entry == nullptr) return {};
  Tensor<T> tensor{Shape(std::span<const std::int64_t>(entry->shape)), {}};
  if (entry->dtype == DType::f64) {
    std::vector<double> numbers(static_cast<std::size_t>(entry->count()));
    std::memcpy(numbers.data(), file.raw(*entry).data(), entry->bytes);
    tensor.data.assign(numbers.begin(), numbers.end());
  } else {
    const Result<std::vector<float>> numbers = file.floats(name);
    EXPECT_TRUE(numbers.ok()) << numbers.status().message;
    if (numbers.ok()) tensor.data.assign(numbers->begin(), numbers->end());
  }
  return tensor;
}

/// max |got - expected| / max |expected|; infinite where the lengths differ or a number is not finite.
template <class T, class U>
double max_norm_error(std::span<const T> got, const std::vector<U>& expected) {
  if (got.size() != expected.size() || got.empty()) return INFINITY;
  double worst = 0;
  double largest = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double difference = std::abs(static_cast<double>(got[i]) - static_cast<double>(expected[i]));
    worst = std::isfinite(difference) ? std::max(worst, difference) : INFINITY;
    largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
  }
  return worst == 0 ? 0 : worst / largest;
}

}  // namespace likeness::test
