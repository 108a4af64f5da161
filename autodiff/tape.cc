#include <algorithm>
#include <atomic>
#include <string_view>

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

std::uint64_t detail::new_recording() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

template <class T>
bool Var<T>::valid() const {
  return tape_ != nullptr && id_ >= 0 && recording_ == TapeAccess<T>::state(*tape_).number;
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
  } else if (TapeAccess<T>::recording(x) != TapeAccess<T>::state(*tape).number) {
    fail("an input was recorded before clear()");
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
  if (!s.agrees(node)) return failed();
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
bool detail::TapeState<T>::agrees(const Node<T>& node) {
  if (decider == nullptr) return true;
  if (decider->number == decider_number && nodes.size() < decider->nodes.size()) {
    const Node<float>& other = decider->nodes[nodes.size()];
    if (std::string_view(node.name) == other.name && node.traits.shape == other.traits.shape && node.inputs == other.inputs &&
        other.value != nullptr) {
      return true;
    }
  }
  fail({Code::invalid_argument,
        std::string("follow: the decider has recorded no ") + node.name + " " + node.traits.shape.text() + " at this place"});
  return false;
}

template <class T>
int detail::TapeState<T>::add_input(const char* name, const Shape& shape, std::span<const T> values, bool copy) {
  if (shape.rank() < 0) {
    fail({Code::invalid_argument, "tape input: a shape has at most 4 sizes, each at least 1, and at most 2^40 numbers"});
  } else if (shape.size() != static_cast<std::int64_t>(values.size())) {
    fail({Code::invalid_argument, "tape input: shape " + shape.text() + " needs " + std::to_string(shape.size()) + " numbers, not " +
                                      std::to_string(values.size())});
  }
  if (!status.ok()) return -1;
  Node<T> node;
  node.name = name;
  node.traits.shape = shape;
  node.value = values.data();
  if (!agrees(node)) return -1;
  nodes.push_back(std::move(node));
  if (copy) {
    Node<T>& kept = nodes.back();
    kept.owned = pool.take(shape.size());
    std::copy(values.begin(), values.end(), kept.owned);
    kept.value = kept.owned;
  }
  return static_cast<int>(nodes.size()) - 1;
}

template <class T>
Var<T> Tape<T>::variable(const Shape& shape, std::span<const T> values) {
  const int id = state_->add_input("variable", shape, values, true);
  if (id >= 0) state_->nodes.back().wants_gradient = state_->nodes.back().is_variable = true;
  return TapeAccess<T>::var(this, id);
}

template <class T>
Var<T> Tape<T>::constant(const Shape& shape, std::span<const T> values) {
  return TapeAccess<T>::var(this, state_->add_input("constant", shape, values, false));
}

template <class T>
Var<T> Tape<T>::copied(const Shape& shape, std::span<const double> values) {
  const std::vector<T> numbers(values.begin(), values.end());
  return TapeAccess<T>::var(this, state_->add_input("constant", shape, numbers, true));
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
    } else if (s.decider != nullptr && s.decider->number != s.decider_number) {
      s.fail({Code::invalid_argument, "follow: the decider was cleared before backward()"});
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
  s.number = detail::new_recording();
  s.went_back = false;
  s.decider = nullptr;
}

template <class T>
std::size_t Tape<T>::bytes() const {
  return state_->pool.bytes();
}

void follow(Tape<double>& shadow, const Tape<float>& decider) {
  detail::TapeState<double>& s = TapeAccess<double>::state(shadow);
  s.decider = &TapeAccess<float>::state(decider);
  s.decider_number = s.decider->number;
}

#define LIKENESS_INSTANTIATE(T) \
  template class Var<T>;        \
  template class Backward<T>;   \
  template class Op<T>;         \
  template class Tape<T>;
LIKENESS_FOR_EACH_NUMBER(LIKENESS_INSTANTIATE)

}  // namespace likeness
