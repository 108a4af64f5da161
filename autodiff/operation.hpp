// How operations are defined, for the files that define them.
//
// An operation checks its inputs, says the shape of its output, and hands over two functions side by side: how y follows from
// the inputs, and how dy becomes their gradients. Both get their memory from outside, so the same two functions run on the tape
// (at once) and in a frozen program (again and again, in planned memory):
//
//   template <class T>
//   Var<T> relu(Var<T> x) {
//     Op<T> op("relu", {x});
//     if (!op.ok()) return op.failed();
//     return op.record({.shape = x.shape(), .reads_output = true, .pattern = Pattern::relu},
//                      [](Forward<T>& f) { kernels::relu(f.x(0), f.y(), f.size()); },
//                      [](Backward<T>& b) {
//                        b.into(0, [&](T* dx) { kernels::relu_gradient(b.y(), b.dy(), dx, b.size()); });
//                      });
//   }
//
// The functions may keep tables and shared weights, but no pointers to values. They must not allocate.
#pragma once

#include <complex>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "likeness/autodiff.hpp"

/// The number types that tapes come in.
#define LIKENESS_FOR_EACH_NUMBER(INSTANTIATE) INSTANTIATE(float) INSTANTIATE(double) INSTANTIATE(std::complex<double>)

namespace likeness {

template <class T>
class Forward;
template <class T>
class Backward;

/// Operations that freeze() knows how to fuse.
enum class Pattern { none, conv, batch_norm, relu, add };

/// What an operation tells about itself beside its two functions.
struct Traits {
  Shape shape;                  ///< of y
  bool reads_inputs = false;    ///< the gradient function calls x()
  bool reads_output = false;    ///< the gradient function calls y()
  bool adds_gradients = false;  ///< its into() functions take (dx, add): they can add to what is there without extra memory
  std::int64_t workspace = 0;   ///< numbers of scratch memory that either function needs
  double flops = 0;             ///< floating point operations of the forward function; 0: one for each output
  Pattern pattern = Pattern::none;
  double epsilon = 0;       ///< of a batch norm
  std::string detail = {};  ///< for the plan, e.g. "4x4, stride 2"
};

namespace detail {

/// One operation, variable or constant of a recording.
template <class T>
struct Node {
  const char* name = "";
  Traits traits;
  std::vector<int> inputs;  ///< indices of nodes before this one; -1: an optional input that is absent
  std::function<void(Forward<T>&)> forward;
  std::function<void(Backward<T>&)> backward;
  std::shared_ptr<const ConvWeights<T>> conv;  ///< Pattern::conv with frozen weights
  bool wants_gradient = false;
  bool is_variable = false;
  /// A variable or a copied constant: numbers that the recording brings along.
  bool brings_values() const { return !forward && owned != nullptr; }

  const T* value = nullptr;
  T* owned = nullptr;     ///< value, where the tape or the program owns it
  T* gradient = nullptr;  ///< d loss / d value
  bool has_gradient = false;
  T* workspace = nullptr;
  T* spare = nullptr;  ///< in a program: where a second gradient of an input is computed before it is added
};

/// Where gradients live: a pool on the tape, planned places in a program.
template <class T>
class GradientMemory {
 public:
  virtual ~GradientMemory() = default;
  virtual T* gradient(Node<T>& target) = 0;
  virtual T* spare(const Node<T>& node, std::int64_t count) = 0;
  virtual void give_spare(T* spare, std::int64_t count) = 0;
};

/// Values of another recording of the same operations that decide at kinks (ReLU, pooling, signs); see follow().
struct Decider {
  const Node<float>* nodes = nullptr;
};

}  // namespace detail

/// What both functions of an operation see.
template <class T>
class Step {
 public:
  Step(std::vector<detail::Node<T>>& nodes, detail::Node<T>& node, detail::Decider decider)
      : nodes_(nodes), node_(node), decider_(decider) {}
  std::size_t inputs() const { return node_.inputs.size(); }
  bool has(std::size_t i) const { return i < node_.inputs.size() && node_.inputs[i] >= 0; }
  const Shape& x_shape(std::size_t i) const { return input(i).traits.shape; }
  const Shape& shape() const { return node_.traits.shape; }
  /// Number of outputs.
  std::int64_t size() const { return node_.traits.shape.size(); }
  T* workspace() const { return node_.workspace; }
  /// Input i or the output in the recording that decides at kinks; nullptr where this one decides itself.
  const float* decider_x(std::size_t i) const { return decider_.nodes == nullptr ? nullptr : decider_.nodes[node_.inputs[i]].value; }
  const float* decider_y() const { return decider_.nodes == nullptr ? nullptr : decider_.nodes[&node_ - nodes_.data()].value; }

 protected:
  detail::Node<T>& input(std::size_t i) const { return nodes_[static_cast<std::size_t>(node_.inputs[i])]; }

  std::vector<detail::Node<T>>& nodes_;
  detail::Node<T>& node_;
  detail::Decider decider_;
};

template <class T>
class Forward : public Step<T> {
 public:
  using Step<T>::Step;
  /// Input i; nullptr where it is absent.
  const T* x(std::size_t i) const { return this->has(i) ? this->input(i).value : nullptr; }
  T* y() const { return this->node_.owned; }
};

template <class T>
class Backward : public Step<T> {
 public:
  Backward(std::vector<detail::Node<T>>& nodes, detail::Node<T>& node, detail::Decider decider, detail::GradientMemory<T>& memory)
      : Step<T>(nodes, node, decider), memory_(memory) {}
  /// nullptr unless the traits said reads_inputs (reads_output): elsewhere the memory may have been given to others.
  const T* x(std::size_t i) const { return this->node_.traits.reads_inputs && this->has(i) ? this->input(i).value : nullptr; }
  const T* y() const { return this->node_.traits.reads_output ? this->node_.value : nullptr; }
  const T* dy() const { return this->node_.gradient; }
  bool wants(std::size_t i) const { return this->has(i) && this->input(i).wants_gradient; }
  /// Calls write(dx), which sets every element of the gradient of input i, if it is wanted; adds it to what is already there.
  /// With Traits::adds_gradients: write(dx, add), which adds by itself where `add`.
  template <class Write>
  void into(std::size_t i, Write&& write) {
    if (!wants(i)) return;
    detail::Node<T>& target = this->input(i);
    const bool add = target.has_gradient;
    T* dx = memory_.gradient(target);
    target.has_gradient = true;
    if constexpr (std::is_invocable_v<Write, T*, bool>) {
      write(dx, add);
    } else if (!add) {
      write(dx);
    } else {
      const std::int64_t n = target.traits.shape.size();
      T* more = memory_.spare(this->node_, n);
      write(more);
      accumulate(more, dx, n);
      memory_.give_spare(more, n);
    }
  }

 private:
  static void accumulate(const T* more, T* sum, std::int64_t n);

  detail::GradientMemory<T>& memory_;
};

/// An operation being recorded.
template <class T>
class Op {
 public:
  /// Inputs that may be default Vars (an absent bias) belong in `optional`; they come last.
  Op(const char* name, std::span<const Var<T>> inputs, std::initializer_list<Var<T>> optional = {});
  Op(const char* name, std::initializer_list<Var<T>> inputs, std::initializer_list<Var<T>> optional = {})
      : Op(name, std::span<const Var<T>>(inputs.begin(), inputs.size()), optional) {}

  bool ok() const { return ok_; }
  /// An invalid Var that keeps the tape.
  Var<T> failed() const;
  /// Records "NAME: MESSAGE" as the tape's error.
  Var<T> fail(const std::string& message);
  /// The present values of an input, for what is decided once, at recording; nullptr for results on a deferred tape.
  const T* value(const Var<T>& x) const;
  /// True if the gradient of x will be asked for.
  bool wants_gradient(const Var<T>& x) const;
  /// Frozen weights, for the fusion of a convolution.
  void set_conv(std::shared_ptr<const detail::ConvWeights<T>> weights) { conv_ = std::move(weights); }
  /// Puts the operation on the tape and runs it (a deferred tape: without running it).
  Var<T> record(Traits traits, std::function<void(Forward<T>&)> forward, std::function<void(Backward<T>&)> backward);

 private:
  void meet(const Var<T>& x, bool required);
  void missing();

  const char* name_;
  Tape<T>* tape_ = nullptr;
  std::vector<int> inputs_;
  std::shared_ptr<const detail::ConvWeights<T>> conv_;
  bool ok_ = true;
  bool was_missing_ = false;
  bool differentiable_ = false;
};

/// A plane-wise view of [N, C, H, W].
struct Planes {
  std::int64_t batch, channels, plane;
  explicit Planes(const Shape& s) : batch(s[0]), channels(s[1]), plane(s[2] * s[3]) {}
  std::int64_t count() const { return batch * channels; }
};

}  // namespace likeness
