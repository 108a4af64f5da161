// The planning half of freeze(), and running the result.
#include "likeness/program.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "autodiff/arena.hpp"
#include "autodiff/fuse.hpp"
#include "autodiff/tape_state.hpp"
#include "base/large_memory.hpp"

namespace likeness {
namespace detail {

template <class T>
struct ProgramState final : GradientMemory<T> {
  struct Run {
    std::size_t node = 0;
    T* workspace = nullptr;
    std::size_t workspace_bytes = 0;
  };
  std::vector<Node<T>> nodes;
  std::vector<int> places;  // of the tape's nodes in `nodes`; -1: not in the program
  std::vector<Run> forward, backward;
  std::uint64_t recording = 0;  // that the Vars which name values here belong to
  int loss = -1;
  std::vector<bool> readable;  // outputs
  T* block = nullptr;
  std::size_t bytes = 0;
  bool measures = false;
  std::vector<StepTime> times;  // of `forward`, then of `backward`; empty until asked for

  ProgramState() = default;
  ProgramState(const ProgramState&) = delete;
  ProgramState& operator=(const ProgramState&) = delete;
  ~ProgramState() override { free_large(block, bytes); }

  T* gradient(Node<T>& target) override { return target.gradient; }
  T* spare(const Node<T>& node, std::int64_t) override { return node.spare; }
  void give_spare(T*, std::int64_t) override {}

  Node<T>* find(const Var<T>& v) {
    const int id = TapeAccess<T>::id(v);
    const bool there = TapeAccess<T>::recording(v) == recording && id >= 0 && static_cast<std::size_t>(id) < places.size() &&
                       places[static_cast<std::size_t>(id)] >= 0;
    return there ? &nodes[static_cast<std::size_t>(places[static_cast<std::size_t>(id)])] : nullptr;
  }

  // execute(node) for each step; their times begin at times[first].
  template <class Execute>
  void run(const std::vector<Run>& steps, std::size_t first, Execute&& execute) {
    const auto one = [&](const Run& step) {
      Node<T>& node = nodes[step.node];
      node.workspace = step.workspace;
      execute(node);
    };
    if (!measures) {
      for (const Run& step : steps) one(step);
      return;
    }
    using Clock = std::chrono::steady_clock;
    Clock::time_point before = Clock::now();
    for (std::size_t i = 0; i < steps.size(); ++i) {
      one(steps[i]);
      const Clock::time_point after = Clock::now();
      ++times[first + i].runs;
      times[first + i].seconds += std::chrono::duration<double>(after - before).count();
      before = after;
    }
  }
};

}  // namespace detail

namespace {

using detail::Graph;
using detail::Lifetime;
using detail::Node;
using detail::ProgramState;

constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

// Copies the needed nodes behind one another.
template <class T>
void compact(Graph<T>& graph, ProgramState<T>& p) {
  p.places.assign(graph.nodes.size(), -1);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!graph.needed[i]) continue;
    p.places[i] = static_cast<int>(p.nodes.size());
    Node<T> node = std::move(graph.nodes[i]);
    for (int& input : node.inputs) {
      if (input >= 0) input = p.places[static_cast<std::size_t>(input)];
    }
    p.nodes.push_back(std::move(node));
  }
}

// wants_gradient: on a path from a wanted variable (set before) to the loss.
template <class T>
void mark_gradients(ProgramState<T>& p) {
  std::vector<bool> depends;
  for (const Node<T>& node : p.nodes) {
    bool d = node.is_variable && node.wants_gradient;
    for (const int input : node.inputs) d = d || (input >= 0 && depends[static_cast<std::size_t>(input)]);
    depends.push_back(d);
  }
  std::vector<bool> reaches(p.nodes.size(), false);
  if (p.loss >= 0) reaches[static_cast<std::size_t>(p.loss)] = true;
  for (std::size_t i = p.nodes.size(); i-- > 0;) {
    reaches[i] = reaches[i] && depends[i];
    for (const int input : p.nodes[i].inputs) {
      if (reaches[i] && input >= 0) reaches[static_cast<std::size_t>(input)] = true;
    }
  }
  for (std::size_t i = 0; i < p.nodes.size(); ++i)
    p.nodes[i].wants_gradient = reaches[i] || (p.nodes[i].is_variable && p.nodes[i].wants_gradient);
}

// Lifetimes of everything that the program writes, and the places that they get.
template <class T>
class Planner {
 public:
  explicit Planner(ProgramState<T>& p) : p_(p), backward_step_(p.nodes.size(), kNever) {}

  void run() {
    for (std::size_t i = 0; i < p_.nodes.size(); ++i) {
      if (p_.nodes[i].forward) p_.forward.push_back({.node = i});
    }
    for (std::size_t i = p_.nodes.size(); i-- > 0;) {
      if (p_.nodes[i].wants_gradient && p_.nodes[i].forward) {
        backward_step_[i] = p_.forward.size() + p_.backward.size();
        p_.backward.push_back({.node = i});
      }
    }
    end_ = p_.forward.size() + p_.backward.size();
    add_values();
    add_gradients();
    add_scratch();
    p_.bytes = plan_arena(buffers_);
    p_.block = static_cast<T*>(allocate_large(p_.bytes));
    for (std::size_t i = 0; i < buffers_.size(); ++i) *pointers_[i] = p_.block + buffers_[i].offset / sizeof(T);
  }

 private:
  void add(std::int64_t count, std::size_t first, std::size_t last, T** pointer) {
    buffers_.push_back({.size = static_cast<std::size_t>(count) * sizeof(T), .first = first, .last = last});
    pointers_.push_back(pointer);
  }

  void add_values() {
    std::vector<std::size_t> born(p_.nodes.size(), 0), dies(p_.nodes.size(), 0);
    const auto use = [&](std::size_t i, std::size_t step) { dies[i] = std::max(dies[i], step); };
    for (std::size_t step = 0; step < p_.forward.size(); ++step) {
      const std::size_t i = p_.forward[step].node;
      born[i] = step;
      use(i, step);
      if (p_.nodes[i].traits.reads_output && backward_step_[i] != kNever) use(i, backward_step_[i]);
      for (const int input : p_.nodes[i].inputs) {
        if (input < 0) continue;
        use(static_cast<std::size_t>(input), step);
        if (p_.nodes[i].traits.reads_inputs && backward_step_[i] != kNever) use(static_cast<std::size_t>(input), backward_step_[i]);
      }
    }
    for (std::size_t i = 0; i < p_.nodes.size(); ++i) {
      Node<T>& node = p_.nodes[i];
      if (!node.forward && !node.brings_values()) continue;  // constants stay where they are
      if (p_.readable[i] || !node.forward) dies[i] = end_;
      add(node.traits.shape.size(), node.forward ? born[i] : 0, dies[i], &node.owned);
    }
  }

  void add_gradients() {
    std::vector<std::size_t> born(p_.nodes.size(), end_);
    if (p_.loss >= 0) born[static_cast<std::size_t>(p_.loss)] = p_.forward.size();
    for (std::size_t i = 0; i < p_.nodes.size(); ++i) {
      if (backward_step_[i] == kNever) continue;
      for (const int input : p_.nodes[i].inputs) {
        if (input >= 0) born[static_cast<std::size_t>(input)] = std::min(born[static_cast<std::size_t>(input)], backward_step_[i]);
      }
    }
    for (std::size_t i = 0; i < p_.nodes.size(); ++i) {
      Node<T>& node = p_.nodes[i];
      if (!node.wants_gradient) continue;
      const bool unreached = node.is_variable && born[i] == end_;  // stays zero
      add(node.traits.shape.size(), unreached ? 0 : born[i], node.is_variable ? end_ : backward_step_[i], &node.gradient);
    }
  }

  void add_scratch() {
    for (std::size_t step = 0; step < p_.forward.size(); ++step) add_workspace(p_.forward[step], step);
    std::vector<bool> has(p_.nodes.size(), false);
    for (std::size_t step = 0; step < p_.backward.size(); ++step) {
      const std::size_t now = p_.forward.size() + step;
      add_workspace(p_.backward[step], now);
      Node<T>& node = p_.nodes[p_.backward[step].node];
      std::int64_t spare = 0;
      for (const int input : node.inputs) {
        if (input < 0 || !p_.nodes[static_cast<std::size_t>(input)].wants_gradient) continue;
        if (has[static_cast<std::size_t>(input)]) spare = std::max(spare, p_.nodes[static_cast<std::size_t>(input)].traits.shape.size());
        has[static_cast<std::size_t>(input)] = true;
      }
      if (spare > 0 && !node.traits.adds_gradients) add(spare, now, now, &node.spare);
    }
  }
  void add_workspace(typename ProgramState<T>::Run& run, std::size_t step) {
    const std::int64_t count = p_.nodes[run.node].traits.workspace;
    if (count == 0) return;
    run.workspace_bytes = static_cast<std::size_t>(count) * sizeof(T);
    add(count, step, step, &run.workspace);
  }

  ProgramState<T>& p_;
  std::vector<std::size_t> backward_step_;
  std::size_t end_ = 0;
  std::vector<Lifetime> buffers_;
  std::vector<T**> pointers_;
};

// The tape of all wanted Vars, or what is wrong with them.
template <class T>
Result<Tape<T>*> common_tape(const Wanted<T>& wanted) {
  const auto bad = [](const char* message) { return Status{Code::invalid_argument, std::string("freeze: ") + message}; };
  Tape<T>* tape = wanted.loss.tape();
  for (const auto* list : {&wanted.gradients, &wanted.outputs}) {
    for (const Var<T>& v : *list) {
      if (tape == nullptr) tape = v.tape();
      if (v.tape() == nullptr || v.tape() != tape) return bad("the wanted values are on different tapes, or on none");
    }
  }
  if (tape == nullptr || (wanted.loss.tape() == nullptr && wanted.gradients.empty() && wanted.outputs.empty())) {
    return bad("nothing is wanted");
  }
  if (!tape->status().ok()) return tape->status();
  const auto forgotten = [&](const Var<T>& v) { return v.tape() != nullptr && !v.valid(); };
  if (forgotten(wanted.loss) || std::ranges::any_of(wanted.gradients, forgotten) || std::ranges::any_of(wanted.outputs, forgotten))
    return bad("a wanted value was recorded before clear()");
  if (wanted.loss.tape() == nullptr && !wanted.gradients.empty()) return bad("gradients need a loss");
  if (wanted.loss.tape() != nullptr && wanted.loss.shape().size() != 1) return bad("the loss is not a scalar");
  for (const Var<T>& v : wanted.gradients) {
    if (!TapeAccess<T>::node(v).is_variable) return bad("a gradient is wanted of something that is not a variable");
  }
  return tape;
}

}  // namespace

template <class T>
Result<Program<T>> freeze(const Wanted<T>& wanted) {
  const Result<Tape<T>*> tape = common_tape(wanted);
  if (!tape.ok()) return tape.status();
  Graph<T> graph;
  graph.nodes = TapeAccess<T>::state(**tape).nodes;
  graph.kept.assign(graph.nodes.size(), false);
  for (Node<T>& node : graph.nodes) node.wants_gradient = false;
  const auto keep = [&](const Var<T>& v) { graph.kept[static_cast<std::size_t>(TapeAccess<T>::id(v))] = true; };
  if (wanted.loss.valid()) keep(wanted.loss);
  for (const Var<T>& v : wanted.outputs) keep(v);
  for (const Var<T>& v : wanted.gradients) {
    keep(v);
    graph.nodes[static_cast<std::size_t>(TapeAccess<T>::id(v))].wants_gradient = true;
  }
  std::vector<const T*> starts;
  for (const Node<T>& node : graph.nodes) starts.push_back(node.value);
  fuse(graph);

  auto state = std::make_unique<ProgramState<T>>();
  ProgramState<T>& p = *state;
  p.recording = TapeAccess<T>::state(**tape).number;
  compact(graph, p);
  p.readable.assign(p.nodes.size(), false);
  for (std::size_t i = 0; i < graph.kept.size(); ++i) {
    if (graph.kept[i]) p.readable[static_cast<std::size_t>(p.places[i])] = true;
  }
  if (wanted.loss.valid()) p.loss = p.places[static_cast<std::size_t>(TapeAccess<T>::id(wanted.loss))];
  mark_gradients(p);
  for (Node<T>& node : p.nodes) {
    node.gradient = node.workspace = node.spare = nullptr;
    node.has_gradient = false;
  }
  Planner<T>(p).run();
  for (Node<T>& node : p.nodes) {
    if (node.owned != nullptr) node.value = node.owned;
    if (node.gradient != nullptr) std::fill_n(node.gradient, node.traits.shape.size(), T(0));
  }
  for (std::size_t i = 0; i < p.places.size(); ++i) {
    if (p.places[i] < 0) continue;
    Node<T>& node = p.nodes[static_cast<std::size_t>(p.places[i])];
    if (node.brings_values()) std::copy_n(starts[i], node.traits.shape.size(), node.owned);
  }
  return Program<T>(std::move(state));
}

template <class T>
Program<T>::Program(std::unique_ptr<detail::ProgramState<T>> state) : state_(std::move(state)) {}
template <class T>
Program<T>::Program(Program&&) noexcept = default;
template <class T>
Program<T>& Program<T>::operator=(Program&&) noexcept = default;
template <class T>
Program<T>::~Program() = default;

template <class T>
void Program<T>::run() {
  forward();
  backward();
}

template <class T>
void Program<T>::forward() {
  detail::ProgramState<T>& p = *state_;
  p.run(p.forward, 0, [&p](Node<T>& node) {
    Forward<T> step(p.nodes, node, {});
    node.forward(step);
  });
}

template <class T>
void Program<T>::backward() {
  detail::ProgramState<T>& p = *state_;
  if (p.loss < 0 || !p.nodes[static_cast<std::size_t>(p.loss)].wants_gradient) return;
  for (Node<T>& node : p.nodes) node.has_gradient = false;
  Node<T>& loss = p.nodes[static_cast<std::size_t>(p.loss)];
  *loss.gradient = T(1);
  loss.has_gradient = true;
  p.run(p.backward, p.forward.size(), [&p](Node<T>& node) {
    Backward<T> step(p.nodes, node, {}, p);
    node.backward(step);
  });
}

template <class T>
std::span<T> Program<T>::input(Var<T> variable) {
  Node<T>* node = state_->find(variable);
  if (node == nullptr || !node->is_variable) return {};
  return {node->owned, static_cast<std::size_t>(node->traits.shape.size())};
}

template <class T>
std::span<const T> Program<T>::value(Var<T> v) const {
  const Node<T>* node = state_->find(v);
  if (node == nullptr || (!node->is_variable && !state_->readable[static_cast<std::size_t>(node - state_->nodes.data())])) return {};
  return {node->value, static_cast<std::size_t>(node->traits.shape.size())};
}

template <class T>
std::span<const T> Program<T>::gradient(Var<T> variable) const {
  const Node<T>* node = state_->find(variable);
  if (node == nullptr || !node->is_variable || node->gradient == nullptr) return {};
  return {node->gradient, static_cast<std::size_t>(node->traits.shape.size())};
}

template <class T>
std::size_t Program<T>::bytes() const {
  return state_->bytes;
}

template <class T>
void Program<T>::profile(bool on) {
  state_->measures = on;
  if (on) state_->times.assign(state_->forward.size() + state_->backward.size(), {});
}

template <class T>
std::span<const StepTime> Program<T>::times() const {
  return state_->times;
}

template <class T>
std::vector<PlanStep> Program<T>::plan() const {
  const detail::ProgramState<T>& p = *state_;
  std::vector<PlanStep> steps;
  for (const auto* list : {&p.forward, &p.backward}) {
    for (const auto& run : *list) {
      const Node<T>& node = p.nodes[run.node];
      PlanStep step;
      step.operation = node.name;
      step.detail = node.traits.detail;
      step.backward = list == &p.backward;
      step.shape = node.traits.shape;
      step.offset = static_cast<std::size_t>((step.backward ? node.gradient : node.owned) - p.block) * sizeof(T);
      step.bytes = static_cast<std::size_t>(node.traits.shape.size()) * sizeof(T);
      step.workspace = run.workspace_bytes;
      step.flops = node.traits.flops > 0 ? node.traits.flops : static_cast<double>(node.traits.shape.size());
      steps.push_back(std::move(step));
    }
  }
  return steps;
}

#define LIKENESS_INSTANTIATE(T) \
  template class Program<T>;    \
  template Result<Program<T>> freeze(const Wanted<T>&);
LIKENESS_FOR_EACH_NUMBER(LIKENESS_INSTANTIATE)

}  // namespace likeness
