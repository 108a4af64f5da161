// The inside of a tape, for the files that define operations.
//
// An operation looks like this: check the inputs, get the output's memory, compute it, and say how dy becomes dx.
//
//   template <class T>
//   Var<T> relu(Var<T> x) {
//     Op<T> op("relu", {x});
//     if (!op.ok()) return op.failed();
//     T* y = op.output(x.shape());
//     kernels::relu(op.value(x), y, op.size());
//     return op.done([x, y, n = op.size()](Backward<T>& b) {
//       b.into(x, [&](T* dx) { kernels::relu_gradient(y, b.dy(), dx, n); });
//     });
//   }
#pragma once

#include <cstdlib>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "likeness/autodiff.hpp"

namespace likeness {

/// Buffers of numbers, aligned to a cache line, kept for reuse by size.
template <class T>
class BufferPool {
 public:
  BufferPool() = default;
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  ~BufferPool() {
    for (T* buffer : all_) ::operator delete(buffer, kAlignment);
  }
  /// Room for `count` numbers; not cleared.
  T* take(std::int64_t count) {
    const std::int64_t size = (count + kGrain - 1) / kGrain * kGrain;
    SizeClass& list = free_[size];
    if (!list.idle.empty()) {
      T* buffer = list.idle.back();
      list.idle.pop_back();
      return buffer;
    }
    // Room in both lists comes first: a failed allocation then loses no buffer, and give() never allocates.
    if (list.idle.capacity() == list.made) list.idle.reserve(2 * list.made + 1);
    all_.push_back(nullptr);
    const std::size_t bytes = static_cast<std::size_t>(size) * sizeof(T);
    all_.back() = static_cast<T*>(::operator new(bytes, kAlignment));
    ++list.made;
    bytes_ += bytes;
    return all_.back();
  }
  /// Gives back what take(count) gave.
  void give(T* buffer, std::int64_t count) noexcept { free_.find((count + kGrain - 1) / kGrain * kGrain)->second.idle.push_back(buffer); }
  std::size_t bytes() const { return bytes_; }

 private:
  static constexpr std::align_val_t kAlignment{64};
  static constexpr std::int64_t kGrain = 1024;  // sizes are rounded up to this, so that near sizes share

  struct SizeClass {
    std::vector<T*> idle;
    std::size_t made = 0;
  };

  std::map<std::int64_t, SizeClass> free_;
  std::vector<T*> all_;
  std::size_t bytes_ = 0;
};

/// Memory from a pool for the length of a scope.
template <class T>
class Scratch {
 public:
  Scratch(BufferPool<T>& pool, std::int64_t count) : pool_(pool), count_(count), data_(pool.take(count)) {}
  ~Scratch() { pool_.give(data_, count_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  T* data() const { return data_; }

 private:
  BufferPool<T>& pool_;
  std::int64_t count_;
  T* data_;
};

template <class T>
class Backward;

namespace detail {

template <class T>
struct TapeState {
  struct Node {
    Shape shape;
    const T* value = nullptr;
    T* owned = nullptr;     // value, where the tape owns it
    T* gradient = nullptr;  // d loss / d value, once something has flowed there
    bool wants_gradient = false;
    bool is_variable = false;
    std::function<void(Backward<T>&)> backward;
  };
  BufferPool<T> pool;
  std::vector<Node> nodes;
  Status status;
  bool went_back = false;

  void fail(Status error) {
    if (status.ok()) status = std::move(error);
  }
};

}  // namespace detail

/// The key to the private parts of the public classes.
template <class T>
struct TapeAccess {
  using State = detail::TapeState<T>;
  static State& state(Tape<T>& tape) { return *tape.state_; }
  static typename State::Node& node(const Var<T>& v) { return v.tape_->state_->nodes[static_cast<std::size_t>(v.id_)]; }
  static Var<T> var(Tape<T>* tape, int id) {
    Var<T> v;
    v.tape_ = tape;
    v.id_ = id;
    return v;
  }
  static const std::shared_ptr<const detail::ConvWeights<T>>& shared(const FrozenConv<T>& filter) { return filter.weights_; }
  static const std::shared_ptr<const detail::LinearWeights<T>>& shared(const FrozenLinear<T>& layer) { return layer.weights_; }
};

/// What the gradient of one operation sees: dy, and where to put dx.
template <class T>
class Backward {
 public:
  Backward(detail::TapeState<T>& state, typename detail::TapeState<T>::Node& node) : state_(state), node_(node) {}
  const T* dy() const { return node_.gradient; }
  bool wants(const Var<T>& x) const { return x.valid() && TapeAccess<T>::node(x).wants_gradient; }
  /// Calls write(dx), which sets every element of dx, if the gradient of x is wanted; adds it to what is already there.
  template <class Write>
  void into(const Var<T>& x, Write&& write) {
    if (!wants(x)) return;
    auto& target = TapeAccess<T>::node(x);
    const std::int64_t n = target.shape.size();
    if (target.gradient == nullptr) {
      target.gradient = state_.pool.take(n);
      write(target.gradient);
    } else {
      const Scratch<T> more(state_.pool, n);
      write(more.data());
      accumulate(more.data(), target.gradient, n);
    }
  }
  BufferPool<T>& pool() { return state_.pool; }

 private:
  static void accumulate(const T* more, T* sum, std::int64_t n);

  detail::TapeState<T>& state_;
  typename detail::TapeState<T>::Node& node_;
};

/// An operation being recorded.
template <class T>
class Op {
 public:
  /// Inputs that are default Vars (an absent bias) belong in `optional`.
  Op(const char* name, std::span<const Var<T>> inputs, std::initializer_list<Var<T>> optional = {}) : name_(name) {
    for (const Var<T>& x : inputs) meet(x, true);
    for (const Var<T>& x : optional) meet(x, false);
    if (tape_ == nullptr) ok_ = false;
    if (ok_ && !state().status.ok()) ok_ = false;
  }
  Op(const char* name, std::initializer_list<Var<T>> inputs, std::initializer_list<Var<T>> optional = {})
      : Op(name, std::span<const Var<T>>(inputs.begin(), inputs.size()), optional) {}

  bool ok() const { return ok_; }
  /// An invalid Var that keeps the tape.
  Var<T> failed() const { return TapeAccess<T>::var(tape_, -1); }
  /// Records "NAME: MESSAGE" as the tape's error.
  Var<T> fail(const std::string& message) {
    if (tape_ != nullptr) state().fail({Code::invalid_argument, std::string(name_) + ": " + message});
    ok_ = false;
    return failed();
  }
  detail::TapeState<T>& state() { return TapeAccess<T>::state(*tape_); }
  BufferPool<T>& pool() { return state().pool; }
  const T* value(const Var<T>& x) const { return TapeAccess<T>::node(x).value; }
  /// True if a gradient flows to any input (else done() drops the gradient function).
  bool differentiable() const { return differentiable_; }

  /// Memory for the result.
  T* output(const Shape& shape) {
    shape_ = shape;
    output_ = pool().take(shape.size());
    return output_;
  }
  std::int64_t size() const { return shape_.size(); }
  /// Puts the result on the tape. The gradient function may keep Vars and pointers to values: both live until clear().
  template <class F>
  Var<T> done(F&& backward) {
    typename detail::TapeState<T>::Node node;
    node.shape = shape_;
    node.value = output_;
    node.owned = output_;
    node.wants_gradient = differentiable_;
    if (differentiable_) node.backward = std::forward<F>(backward);
    state().nodes.push_back(std::move(node));
    return TapeAccess<T>::var(tape_, static_cast<int>(state().nodes.size()) - 1);
  }

 private:
  void meet(const Var<T>& x, bool required) {
    Tape<T>* tape = x.tape();
    if (tape == nullptr) {
      if (required) missing();
      return;
    }
    if (tape_ == nullptr) tape_ = tape;
    if (was_missing_) missing();
    if (tape != tape_) {
      fail("the inputs are on different tapes");
    } else if (!x.valid()) {
      ok_ = false;  // an error before this operation; the tape knows it
    } else if (TapeAccess<T>::node(x).wants_gradient) {
      differentiable_ = true;
    }
  }
  // A required input was never set. The error goes to the tape as soon as another input shows which one.
  void missing() {
    was_missing_ = true;
    ok_ = false;
    if (tape_ != nullptr) fail("an input is missing");
  }

  const char* name_;
  Tape<T>* tape_ = nullptr;
  bool ok_ = true;
  bool was_missing_ = false;
  bool differentiable_ = false;
  Shape shape_;
  T* output_ = nullptr;
};

/// A plane-wise view of [N, C, H, W].
struct Planes {
  std::int64_t batch, channels, plane;
  explicit Planes(const Shape& s) : batch(s[0]), channels(s[1]), plane(s[2] * s[3]) {}
  std::int64_t count() const { return batch * channels; }
};

}  // namespace likeness
