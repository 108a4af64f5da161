#include "cli/fit_profile.hpp"

#include <time.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "autodiff/text_table.hpp"
#include "cli/plan_json.hpp"
#include "fit/profile.hpp"

namespace likeness::cli {
namespace {

double ratio(double a, double b) { return b > 0 ? a / b : 0; }

std::string percent(double share) { return decimals("%.1f", 100 * share); }
std::string milliseconds(double seconds) { return decimals("%.2f", 1e3 * seconds); }
std::string counted(int count, const char* what) { return std::to_string(count) + " " + what + (count == 1 ? "" : "s"); }

}  // namespace

ColdStart::ColdStart() {
  timespec used{};
  if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) == 0)
    before_ = static_cast<double>(used.tv_sec) + 1e-9 * static_cast<double>(used.tv_nsec);
}

void FitProfiles::add(std::span<const FitResult> results) {
  if (results.empty() || results.front().profile == nullptr) return;
  ++fits_;
  photos_ += static_cast<int>(results.size());
  steps_.add(*results.front().profile);
  const FitSeconds seconds = seconds_of_fit(results);
  for (const auto& [name, part] : kFitParts) seconds_.*part += seconds.*part;
}

std::vector<FitProfiles::Kind> FitProfiles::kinds() const {
  std::vector<Kind> kinds;
  for (std::size_t i = 0; i < steps_.plan.size(); ++i) {
    const PlanStep& step = steps_.plan[i];
    const StepTime& time = steps_.times[i];
    auto kind = std::ranges::find_if(kinds, [&](const Kind& k) { return k.name == step.operation && k.backward == step.backward; });
    if (kind == kinds.end()) kind = kinds.insert(kind, {.name = step.operation, .backward = step.backward});
    kind->runs += time.runs;
    kind->seconds += time.seconds;
    kind->flops += step.flops * static_cast<double>(time.runs);
  }
  std::ranges::stable_sort(kinds, [](const Kind& a, const Kind& b) { return a.seconds > b.seconds; });
  return kinds;
}

FitProfiles::Kind FitProfiles::all() const {
  Kind all{.name = "all steps"};
  for (const Kind& kind : kinds()) all.runs += kind.runs, all.seconds += kind.seconds, all.flops += kind.flops;
  return all;
}

std::string FitProfiles::text(const FmaPeak& peak, const ColdStart& start) const {
  const Kind all = this->all();
  const auto rates = [&](double flops, double seconds) -> std::array<std::string, 2> {
    const double rate = ratio(flops, seconds);
    return {decimals("%.1f", rate / 1e9), percent(ratio(rate, peak.flops))};
  };

  TextTable steps({{"step"}, {"operation", true}, {"shape", true}, {"runs"}, {"ms"}, {"%"}, {"MFLOP"}, {"GFLOP/s"}, {"% of peak"}});
  for (std::size_t i = 0; i < steps_.plan.size(); ++i) {
    const PlanStep& step = steps_.plan[i];
    const StepTime& time = steps_.times[i];
    if (i == 0 || step.backward != steps_.plan[i - 1].backward) steps.add_line(step.backward ? "gradients of the inputs of" : "forward");
    const double flops = step.flops * static_cast<double>(time.runs);
    const auto [rate, share] = rates(flops, time.seconds);
    steps.add({std::to_string(i), step.name(), step.shape.text(), std::to_string(time.runs), milliseconds(time.seconds),
               percent(ratio(time.seconds, all.seconds)), decimals("%.3f", flops / 1e6), rate, share});
  }

  TextTable by_kind({{"kind", true}, {"", true}, {"runs"}, {"ms"}, {"%"}, {"MFLOP"}, {"GFLOP/s"}, {"% of peak"}});
  const auto add_kind = [&](const Kind& kind, const char* direction) {
    const auto [rate, share] = rates(kind.flops, kind.seconds);
    by_kind.add({kind.name, direction, std::to_string(kind.runs), milliseconds(kind.seconds), percent(ratio(kind.seconds, all.seconds)),
                 decimals("%.3f", kind.flops / 1e6), rate, share});
  };
  for (const Kind& kind : kinds()) add_kind(kind, kind.backward ? "gradient" : "forward");
  add_kind(all, "");

  TextTable parts({{"part of the fit", true}, {"ms"}, {"%"}, {"in the steps"}, {"beside them"}});
  const double seconds = total(seconds_);
  const auto add_part = [&](const char* name, double whole, double in_steps) {
    parts.add(
        {name, milliseconds(whole), percent(ratio(whole, seconds)), milliseconds(in_steps), milliseconds(std::max(0.0, whole - in_steps))});
  };
  for (const auto& [name, part] : kFitParts) add_part(name, seconds_.*part, steps_.in_steps.*part);
  add_part("all", seconds, total(steps_.in_steps));

  const std::string cold = "\nCold start: " + milliseconds(start.total()) +
                           " ms from the start of the program to the first gradient step: " + milliseconds(start.before()) +
                           " before the model, " + milliseconds(start.load()) + " loading it, " + milliseconds(start.fit()) +
                           " for the photo\n";

  return "Profile of " + counted(fits_, "fit") + ", " + counted(photos_, "photo") +
         ". FMA peak, measured after them: " + decimals("%.1f", peak.flops / 1e9) + " GFLOP/s (" + peak.target + ", " +
         counted(peak.threads, "thread") + ")\n\n" + steps.text() + "\n" + by_kind.text() + "\n" + parts.text() + cold;
}

std::string FitProfiles::json(const FmaPeak& peak, const ColdStart& start) const {
  using nlohmann::json;
  const auto put_rates = [&](json& object, double flops, double seconds) {
    object["flop_per_second"] = ratio(flops, seconds);
    object["share_of_peak"] = ratio(ratio(flops, seconds), peak.flops);
  };
  json steps = json::array(), by_kind = json::array(), parts = json::object();
  for (std::size_t i = 0; i < steps_.plan.size(); ++i) {
    const StepTime& time = steps_.times[i];
    json step = plan_step_json(steps_.plan[i]);
    step["runs"] = time.runs;
    step["seconds"] = time.seconds;
    put_rates(step, steps_.plan[i].flops * static_cast<double>(time.runs), time.seconds);
    steps.push_back(std::move(step));
  }
  for (const Kind& kind : kinds()) {
    json object = {{"operation", kind.name}, {"backward", kind.backward}, {"runs", kind.runs}, {"seconds", kind.seconds}};
    object["flop"] = kind.flops;
    put_rates(object, kind.flops, kind.seconds);
    by_kind.push_back(std::move(object));
  }
  for (const auto& [name, part] : kFitParts) parts[name] = {{"seconds", seconds_.*part}, {"in_steps", steps_.in_steps.*part}};
  const json cold = {{"seconds", start.total()}, {"before", start.before()}, {"load", start.load()}, {"fit", start.fit()}};
  const json peak_json = {{"flop_per_second", peak.flops}, {"threads", peak.threads}, {"target", peak.target}};
  return json{{"profile",
               {{"fits", fits_},
                {"photos", photos_},
                {"peak", peak_json},
                {"steps", steps},
                {"kinds", by_kind},
                {"parts", parts},
                {"cold_start", cold}}}}
      .dump();
}

}  // namespace likeness::cli
