// Record once, freeze, run: a recording of a tape becomes a program that runs in one block of memory and allocates nothing.
//
//   Tape<float> tape;
//   Var x = tape.variable({148}, start);
//   Var loss = l1_mean(extractor.features(generator(x))[0], tape.constant(target));
//   Result<Program<float>> program = freeze<float>({.loss = loss, .gradients = {x}});
//   if (!program.ok()) return program.status();
//   tape.clear();                                       // the program needs neither the tape nor its memory (but `target`)
//   for (int i = 0; i < 100; ++i) {
//     program->run();
//     optimizer.step(program->input(x), program->gradient(x));
//   }
//
// freeze() keeps only what the loss, the outputs and the wanted gradients need, and rewrites
//   convolution -> batch norm with constant statistics      into one convolution with other weights,
//   convolution -> + another picture -> ReLU                 into one pass over the convolution's output,
//   convolution with constant weights on the tape           into packed weights (FrozenConv's are shared, not copied),
//   a + b -> ReLU                                            into one pass.
// Values equal the tape's bit for bit, and so do gradients, except behind a folded batch norm, and where a fused convolution has moved
// past another reader of its input: the gradients of a value with three or more readers are then added in another order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "likeness/autodiff.hpp"

namespace likeness {

/// What a program has to deliver.
template <class T>
struct Wanted {
  Var<T> loss = {};                    ///< A scalar; only for gradients.
  std::vector<Var<T>> gradients = {};  ///< Variables. Others on the tape become plain inputs.
  std::vector<Var<T>> outputs = {};    ///< Values to be read after a run, beside the loss.
};

/// One step of a program, for people.
struct PlanStep {
  std::string operation;      ///< "conv2d"
  std::string detail;         ///< "3x3 stride 2 + bias + relu"
  bool backward = false;      ///< Computes the gradients of the operation's inputs.
  Shape shape;                ///< Of the value (forward), or of the incoming gradient (backward).
  std::size_t offset = 0;     ///< Of that value or gradient in the program's block, in bytes.
  std::size_t bytes = 0;      ///< Of that value or gradient.
  std::size_t workspace = 0;  ///< Bytes that only this step uses.
  double flops = 0;           ///< Floating point operations; a gradient is counted like its forward step.

  /// Operation and detail: "conv2d 3x3 stride 2 + bias + relu".
  std::string name() const { return detail.empty() ? operation : operation + " " + detail; }
  friend bool operator==(const PlanStep&, const PlanStep&) = default;
};

/// What a step of a program took, over all its runs since Program::profile(true).
struct StepTime {
  std::int64_t runs = 0;
  double seconds = 0;  ///< Wall-clock, of all runs together.
};

namespace detail {
template <class T>
struct ProgramState;
}

/// A frozen recording. One thread at a time runs a program; programs share frozen weights. Constants of the recording are read at
/// every run and must live as long as the program, except those that the tape copied() or freeze() folded into weights. A program that
/// was moved from may only be assigned to or destroyed.
template <class T>
class Program {
 public:
  Program(Program&&) noexcept;
  Program& operator=(Program&&) noexcept;
  ~Program();

  /// forward(), then backward().
  void run();
  /// Computes the loss and the outputs.
  void forward();
  /// Computes the gradients, once after each forward(), whose values it may overwrite. Nothing where none were wanted.
  void backward();

  // The Vars of the recording name values here, also after the tape was cleared or destroyed; others give an empty span.
  /// Numbers of a variable: write them before a run. They keep their values between runs, from the recording on.
  std::span<T> input(Var<T> variable);
  /// The loss, an output or a variable.
  std::span<const T> value(Var<T> v) const;
  /// d loss / d variable, of those that were wanted, until the next forward().
  std::span<const T> gradient(Var<T> variable) const;

  /// Size of the one block of memory, without weights and constants.
  std::size_t bytes() const;
  /// The steps in the order of execution.
  std::vector<PlanStep> plan() const;

  /// From now on measures every step, beginning at zero (true), or measures no more (false: what was measured stays). Off at first.
  /// Measuring reads the clock once a step and changes no bit of the values; runs still allocate nothing, for this call does.
  void profile(bool on);
  /// One a step of plan(), in its order, until the next profile(true); empty before the first. The sum is a little less than the time of
  /// run(), which has to get from step to step.
  std::span<const StepTime> times() const;

 private:
  template <class U>
  friend Result<Program<U>> freeze(const Wanted<U>& wanted);
  explicit Program(std::unique_ptr<detail::ProgramState<T>> state);
  std::unique_ptr<detail::ProgramState<T>> state_;
};

/// Makes a program of the recording on which the wanted Vars stand. Errors: invalid_argument (nothing wanted, Vars of different tapes
/// or of none, or from before its clear(), gradients without a scalar loss, a gradient of something else than a variable), or the
/// tape's own error.
template <class T>
Result<Program<T>> freeze(const Wanted<T>& wanted);

/// The plan as a table: step, operation, shape, bytes, workspace, MFLOP, share of them; totals below.
std::string plan_text(std::span<const PlanStep> plan, std::size_t bytes);

}  // namespace likeness
