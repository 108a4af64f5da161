// The inside of a tape: its nodes and its memory.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "autodiff/operation.hpp"

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

/// Memory from a pool for the length of a scope; none where count is 0.
template <class T>
class Scratch {
 public:
  Scratch(BufferPool<T>& pool, std::int64_t count) : pool_(pool), count_(count), data_(count > 0 ? pool.take(count) : nullptr) {}
  ~Scratch() {
    if (data_ != nullptr) pool_.give(data_, count_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  T* data() const { return data_; }

 private:
  BufferPool<T>& pool_;
  std::int64_t count_;
  T* data_;
};

namespace detail {

/// A number that no other recording of any tape has.
std::uint64_t new_recording();

template <class T>
struct TapeState final : GradientMemory<T> {
  BufferPool<T> pool;
  std::vector<Node<T>> nodes;
  Status status;
  Recording recording = Recording::eager;
  std::uint64_t number = new_recording();
  bool went_back = false;
  const TapeState<float>* decider = nullptr;
  std::uint64_t decider_number = 0;

  void fail(Status error) {
    if (status.ok()) status = std::move(error);
  }
  /// Whether the decider, if there is one, has recorded the same at the place of the next node; an error where not.
  bool agrees(const Node<T>& node);
  /// Puts an input on the tape: its id, or -1 after an error.
  int add_input(const char* name, const Shape& shape, std::span<const T> values, bool copy);
  Decider decide() const { return {decider == nullptr ? nullptr : decider->nodes.data()}; }

  /// Gives the node its memory and runs it.
  void compute(Node<T>& node) {
    node.owned = pool.take(node.traits.shape.size());
    node.value = node.owned;
    const Scratch<T> workspace(pool, node.traits.workspace);
    node.workspace = workspace.data();
    Forward<T> step(nodes, node, decide());
    node.forward(step);
  }

  T* gradient(Node<T>& target) override {
    if (target.gradient == nullptr) target.gradient = pool.take(target.traits.shape.size());
    return target.gradient;
  }
  T* spare(const Node<T>&, std::int64_t count) override { return pool.take(count); }
  void give_spare(T* spare, std::int64_t count) override { pool.give(spare, count); }
};

}  // namespace detail

/// The key to the private parts of the public classes.
template <class T>
struct TapeAccess {
  using State = detail::TapeState<T>;
  static State& state(const Tape<T>& tape) { return *tape.state_; }
  static detail::Node<T>& node(const Var<T>& v) { return v.tape_->state_->nodes[static_cast<std::size_t>(v.id_)]; }
  static int id(const Var<T>& v) { return v.id_; }
  static Var<T> var(Tape<T>* tape, int id) {
    Var<T> v;
    v.tape_ = tape;
    v.id_ = id;
    v.recording_ = tape == nullptr ? 0 : tape->state_->number;
    return v;
  }
  static std::uint64_t recording(const Var<T>& v) { return v.recording_; }
  static const std::shared_ptr<const detail::ConvWeights<T>>& shared(const FrozenConv<T>& filter) { return filter.weights_; }
  static const std::shared_ptr<const detail::LinearWeights<T>>& shared(const FrozenLinear<T>& layer) { return layer.weights_; }
};

}  // namespace likeness
