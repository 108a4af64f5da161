#include <algorithm>

#include "autodiff/tape_state.hpp"
#include "kernels/elementwise.hpp"

namespace likeness {

Shape::Shape(std::span<const std::int64_t> sizes) {
  constexpr std::int64_t kMost = std::int64_t{1} << 40;
  if (sizes.size() > sizes_.size()) {
    rank_ = -1;
    return;
  }
  rank_ = static_cast<int>(sizes.size());
  std::int64_t product = 1;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    sizes_[i] = sizes[i];
    if (sizes[i] < 1 || sizes[i] > kMost / product) {
      rank_ = -1;
      return;
    }
    product *= sizes[i];
  }
}

std::int64_t Shape::size() const {
  if (rank_ < 0) return 0;
  std::int64_t product = 1;
  for (int i = 0; i < rank_; ++i) product *= (*this)[i];
  return product;
}

std::string Shape::text() const {
  if (rank_ < 0) return "[invalid]";
  std::string text = "[";
  for (int i = 0; i < rank_; ++i) text += (i > 0 ? ", " : "") + std::to_string((*this)[i]);
  return text + "]";
}

template <class T>
Shape Var<T>::shape() const {
  return valid() ? TapeAccess<T>::node(*this).shape : Shape({0});
}

template <class T>
std::span<const T> Var<T>::value() const {
  if (!valid()) return {};
  const auto& node = TapeAccess<T>::node(*this);
  return {node.value, static_cast<std::size_t>(node.shape.size())};
}

template <class T>
std::span<const T> Var<T>::gradient() const {
  if (!valid()) return {};
  const auto& node = TapeAccess<T>::node(*this);
  if (node.gradient == nullptr) return {};
  return {node.gradient, static_cast<std::size_t>(node.shape.size())};
}

template <class T>
T Var<T>::item() const {
  const std::span<const T> numbers = value();
  return numbers.empty() ? T(0) : numbers[0];
}

template <class T>
void Backward<T>::accumulate(const T* more, T* sum, std::int64_t n) {
  kernels::add(static_cast<const T*>(sum), more, sum, n);
}

template <class T>
Tape<T>::Tape() : state_(std::make_unique<detail::TapeState<T>>()) {}

template <class T>
Tape<T>::~Tape() = default;

template <class T>
Var<T> Tape<T>::variable(const Shape& shape, std::span<const T> values) {
  Var<T> v = constant(shape, values);
  if (!v.valid()) return v;
  auto& node = TapeAccess<T>::node(v);
  node.owned = state_->pool.take(shape.size());
  std::copy(values.begin(), values.end(), node.owned);
  node.value = node.owned;
  node.wants_gradient = true;
  node.is_variable = true;
  return v;
}

template <class T>
Var<T> Tape<T>::constant(const Shape& shape, std::span<const T> values) {
  if (shape.rank() < 0) {
    state_->fail({Code::invalid_argument, "tape input: a shape has at most 4 sizes, each at least 1"});
  } else if (shape.size() != static_cast<std::int64_t>(values.size())) {
    state_->fail({Code::invalid_argument, "tape input: shape " + shape.text() + " needs " + std::to_string(shape.size()) +
                                              " numbers, not " + std::to_string(values.size())});
  }
  if (!state_->status.ok()) return TapeAccess<T>::var(this, -1);
  typename detail::TapeState<T>::Node node;
  node.shape = shape;
  node.value = values.data();
  state_->nodes.push_back(std::move(node));
  return TapeAccess<T>::var(this, static_cast<int>(state_->nodes.size()) - 1);
}

template <class T>
Status Tape<T>::backward(Var<T> loss) {
  detail::TapeState<T>& s = *state_;
  if (s.status.ok()) {
    if (loss.tape() != this || !loss.valid()) {
      s.fail({Code::invalid_argument, "backward: the loss is not on this tape"});
    } else if (loss.shape().size() != 1) {
      s.fail({Code::invalid_argument, "backward: the loss is a scalar, not of shape " + loss.shape().text()});
    } else if (s.went_back) {
      s.fail({Code::invalid_argument, "backward: runs once a recording; call clear() and record again"});
    }
  }
  if (!s.status.ok()) return s.status;
  s.went_back = true;
  auto& last = TapeAccess<T>::node(loss);
  if (last.wants_gradient) {
    last.gradient = s.pool.take(1);
    last.gradient[0] = T(1);
  }
  for (std::size_t i = s.nodes.size(); i-- > 0;) {
    auto& node = s.nodes[i];
    if (node.gradient != nullptr && node.backward) {
      Backward<T> context(s, node);
      node.backward(context);
      s.pool.give(node.gradient, node.shape.size());
      node.gradient = nullptr;
    } else if (node.is_variable && node.gradient == nullptr) {
      node.gradient = s.pool.take(node.shape.size());
      std::fill_n(node.gradient, node.shape.size(), T(0));
    }
  }
  return s.status;
}

template <class T>
const Status& Tape<T>::status() const {
  return state_->status;
}

template <class T>
void Tape<T>::clear() {
  detail::TapeState<T>& s = *state_;
  for (auto& node : s.nodes) {
    if (node.owned != nullptr) s.pool.give(node.owned, node.shape.size());
    if (node.gradient != nullptr) s.pool.give(node.gradient, node.shape.size());
  }
  s.nodes.clear();
  s.status = Status::success();
  s.went_back = false;
}

template <class T>
std::size_t Tape<T>::bytes() const {
  return state_->pool.bytes();
}

template class Var<float>;
template class Var<double>;
template class Backward<float>;
template class Backward<double>;
template class Tape<float>;
template class Tape<double>;

}  // namespace likeness
