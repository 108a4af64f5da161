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
  return valid() ? TapeAccess<T>::node(*this).traits.shape : Shape({0});
}

template <class T>
std::span<const T> Var<T>::value() const {
  if (!valid()) return {};
  const auto& node = TapeAccess<T>::node(*this);
  if (node.value == nullptr) return {};
  return {node.value, static_cast<std::size_t>(node.traits.shape.size())};
}

template <class T>
std::span<const T> Var<T>::gradient() const {
  if (!valid()) return {};
  const auto& node = TapeAccess<T>::node(*this);
  if (node.gradient == nullptr) return {};
  return {node.gradient, static_cast<std::size_t>(node.traits.shape.size())};
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
Op<T>::Op(const char* name, std::span<const Var<T>> inputs, std::initializer_list<Var<T>> optional) : name_(name) {
  for (const Var<T>& x : inputs) meet(x, true);
  for (const Var<T>& x : optional) meet(x, false);
  if (tape_ == nullptr) ok_ = false;
  if (ok_ && !TapeAccess<T>::state(*tape_).status.ok()) ok_ = false;
}

template <class T>
void Op<T>::meet(const Var<T>& x, bool required) {
  Tape<T>* tape = x.tape();
  if (tape == nullptr) {
    inputs_.push_back(-1);
    if (required) missing();
    return;
  }
  if (tape_ == nullptr) tape_ = tape;
  if (was_missing_) missing();
  if (tape != tape_) {
    fail("the inputs are on different tapes");
  } else if (!x.valid()) {
    ok_ = false;  // an error before this operation; the tape knows it
  } else {
    inputs_.push_back(TapeAccess<T>::id(x));
    if (TapeAccess<T>::node(x).wants_gradient) differentiable_ = true;
  }
}

// A required input was never set. The error goes to the tape as soon as another input shows which one.
template <class T>
void Op<T>::missing() {
  was_missing_ = true;
  ok_ = false;
  if (tape_ != nullptr) fail("an input is missing");
}

template <class T>
Var<T> Op<T>::failed() const {
  return TapeAccess<T>::var(tape_, -1);
}

template <class T>
Var<T> Op<T>::fail(const std::string& message) {
  if (tape_ != nullptr) TapeAccess<T>::state(*tape_).fail({Code::invalid_argument, std::string(name_) + ": " + message});
  ok_ = false;
  return failed();
}

template <class T>
const T* Op<T>::value(const Var<T>& x) const {
  return TapeAccess<T>::node(x).value;
}

template <class T>
bool Op<T>::wants_gradient(const Var<T>& x) const {
  return x.valid() && TapeAccess<T>::node(x).wants_gradient;
}

template <class T>
Var<T> Op<T>::record(Traits traits, std::function<void(Forward<T>&)> forward, std::function<void(Backward<T>&)> backward) {
  detail::TapeState<T>& s = TapeAccess<T>::state(*tape_);
  const std::int64_t size = traits.shape.size();
  if (size < 1) return fail("the result " + traits.shape.text() + " is empty or too large");
  detail::Node<T> node;
  node.name = name_;
  node.traits = std::move(traits);
  node.inputs = std::move(inputs_);
  node.forward = std::move(forward);
  node.backward = std::move(backward);
  node.conv = std::move(conv_);
  node.wants_gradient = differentiable_;
  s.nodes.push_back(std::move(node));
  if (s.recording == Recording::eager) s.compute(s.nodes.back());
  return TapeAccess<T>::var(tape_, static_cast<int>(s.nodes.size()) - 1);
}

template <class T>
Tape<T>::Tape(Recording recording) : state_(std::make_unique<detail::TapeState<T>>()) {
  state_->recording = recording;
}

template <class T>
Tape<T>::~Tape() = default;

template <class T>
Var<T> Tape<T>::variable(const Shape& shape, std::span<const T> values) {
  Var<T> v = constant(shape, values);
  if (!v.valid()) return v;
  auto& node = TapeAccess<T>::node(v);
  node.name = "variable";
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
  detail::Node<T> node;
  node.name = "constant";
  node.traits.shape = shape;
  node.value = values.data();
  state_->nodes.push_back(std::move(node));
  return TapeAccess<T>::var(this, static_cast<int>(state_->nodes.size()) - 1);
}

template <class T>
Var<T> Tape<T>::copied(const Shape& shape, std::span<const double> values) {
  const std::vector<T> numbers(values.begin(), values.end());
  const Var<T> v = variable(shape, numbers);
  if (!v.valid()) return v;
  auto& node = TapeAccess<T>::node(v);
  node.name = "constant";
  node.wants_gradient = node.is_variable = false;
  return v;
}

template <class T>
Status Tape<T>::backward(Var<T> loss) {
  detail::TapeState<T>& s = *state_;
  if (s.status.ok()) {
    if (loss.tape() != this || !loss.valid()) {
      s.fail({Code::invalid_argument, "backward: the loss is not on this tape"});
    } else if (loss.shape().size() != 1) {
      s.fail({Code::invalid_argument, "backward: the loss is a scalar, not of shape " + loss.shape().text()});
    } else if (s.recording == Recording::deferred) {
      s.fail({Code::invalid_argument, "backward: a deferred tape computes nothing; freeze() it"});
    } else if (s.went_back) {
      s.fail({Code::invalid_argument, "backward: runs once a recording; call clear() and record again"});
    }
  }
  if (!s.status.ok()) return s.status;
  s.went_back = true;
  auto& last = TapeAccess<T>::node(loss);
  if (last.wants_gradient) {
    *s.gradient(last) = T(1);
    last.has_gradient = true;
  }
  for (std::size_t i = s.nodes.size(); i-- > 0;) {
    detail::Node<T>& node = s.nodes[i];
    const std::int64_t size = node.traits.shape.size();
    if (node.is_variable) {
      if (!node.has_gradient) std::fill_n(s.gradient(node), size, T(0));
    } else if (node.has_gradient) {
      const Scratch<T> workspace(s.pool, node.traits.workspace);
      node.workspace = workspace.data();
      Backward<T> step(s.nodes, node, s.decide(), s);
      node.backward(step);
      s.pool.give(node.gradient, size);
      node.gradient = nullptr;
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
    const std::int64_t size = node.traits.shape.size();
    if (node.owned != nullptr) s.pool.give(node.owned, size);
    if (node.gradient != nullptr) s.pool.give(node.gradient, size);
  }
  s.nodes.clear();
  s.status = Status::success();
  s.went_back = false;
}

template <class T>
std::size_t Tape<T>::bytes() const {
  return state_->pool.bytes();
}

void follow(Tape<double>& shadow, const Tape<float>& decider) {
  TapeAccess<double>::state(shadow).decider = &TapeAccess<float>::state(decider);
}

#define LIKENESS_INSTANTIATE(T) \
  template class Var<T>;        \
  template class Backward<T>;   \
  template class Op<T>;         \
  template class Tape<T>;
LIKENESS_FOR_EACH_NUMBER(LIKENESS_INSTANTIATE)

}  // namespace likeness
