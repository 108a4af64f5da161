#include "fit/joint_problem.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace likeness {
namespace {

Result<Schema> joint_schema(const Schema& schema, std::size_t photos) {
  if (photos == 1) return schema;
  nlohmann::json root = nlohmann::json::parse(schema.canonical_json(), nullptr, false);
  nlohmann::json& list = root["parameters"];
  const std::span<const Parameter> parameters = schema.parameters();
  for (std::size_t photo = 2; photo <= photos; ++photo) {
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      if (parameters[i].role != ParameterRole::nuisance) continue;
      nlohmann::json copy = list[i];
      copy["name"] = std::to_string(photo) + "." + std::to_string(i);
      list.push_back(std::move(copy));
    }
  }
  return Schema::parse(root.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace

Result<std::unique_ptr<JointProblem>> JointProblem::create(const Schema& schema, std::vector<Objective*> photos) {
  Result<Schema> joint = joint_schema(schema, photos.size());
  if (!joint.ok()) return joint.status();
  std::unique_ptr<JointProblem> problem(new JointProblem(std::move(*joint)));
  std::vector<std::string>& names = problem->term_names_ = photos.front()->term_names();
  for (const Objective* objective : photos) {
    for (const std::string& name : objective->term_names()) {
      if (std::ranges::find(names, name) == names.end()) names.insert(names.end() - 1, name);  // the last one stays the last
    }
  }
  std::size_t next = schema.size();
  for (Objective* objective : photos) {
    Photo photo{objective, {}, {}};
    for (const Parameter& p : schema.parameters()) {
      const bool shared = p.role == ParameterRole::identity || problem->photos_.empty();
      for (std::size_t i = 0; i < p.size(); ++i) photo.entries.push_back(shared ? p.offset + i : next++);
    }
    for (const std::string& name : objective->term_names()) {
      photo.terms.push_back(static_cast<std::size_t>(std::ranges::find(names, name) - names.begin()));
    }
    problem->photos_.push_back(std::move(photo));
  }
  return problem;
}

std::vector<float> JointProblem::of_photo(std::span<const float> x, std::size_t photo) const {
  std::vector<float> out;
  for (const std::size_t entry : photos_[photo].entries) out.push_back(x[entry]);
  return out;
}

// Identity entries, which all photos have, sum up.
void JointProblem::scatter(const Photo& photo, std::span<const float> from, std::span<float> to) const {
  for (std::size_t i = 0; i < from.size(); ++i) to[photo.entries[i]] += from[i];
}

std::vector<float> JointProblem::join(std::span<const std::vector<float>> characters) const {
  std::vector<float> x(schema_.size()), count(schema_.size());
  for (std::size_t k = 0; k < photos_.size(); ++k) {
    scatter(photos_[k], characters[k], x);
    scatter(photos_[k], std::vector<float>(characters[k].size(), 1.0F), count);
  }
  for (std::size_t i = 0; i < x.size(); ++i) x[i] /= count[i];
  return x;
}

Result<SearchProblem::Value> JointProblem::evaluate(std::span<const float> x, std::span<float> gradient) {
  if (x.size() != schema_.size() || (!gradient.empty() && gradient.size() != x.size()))
    return Status{Code::invalid_argument, "x or its gradient has another length than the joint schema"};
  std::ranges::fill(gradient, 0.0F);
  Value mean{0, 0, std::vector<double>(term_names_.size())};
  for (std::size_t k = 0; k < photos_.size(); ++k) {
    const std::vector<float> own = of_photo(x, k);
    std::vector<float> slope(gradient.empty() ? 0 : own.size());
    const Result<Value> value = photos_[k].objective->evaluate(own, slope);
    if (!value.ok()) return value.status();
    mean.loss += value->loss * share();
    mean.similarity += value->similarity * share();
    for (std::size_t t = 0; t < value->terms.size(); ++t) mean.terms[photos_[k].terms[t]] += value->terms[t] * share();
    scatter(photos_[k], slope, gradient);
  }
  for (float& v : gradient) v *= static_cast<float>(share());
  return mean;
}

// Asked about identity, whose entries are the model's own.
bool JointProblem::shapes(std::size_t entry) const { return photos_.front().objective->shapes(entry); }

Status JointProblem::correct(std::span<const float> x) {
  for (std::size_t k = 0; k < photos_.size(); ++k) {
    if (Status status = photos_[k].objective->correct(of_photo(x, k)); !status.ok()) return status;
  }
  return Status::success();
}

Result<std::vector<double>> JointProblem::judge(std::span<const std::vector<float>> characters) {
  std::vector<double> means(characters.size());
  for (const std::vector<float>& x : characters) {
    if (x.size() != schema_.size()) return Status{Code::invalid_argument, "x has another length than the joint schema"};
  }
  for (std::size_t k = 0; k < photos_.size(); ++k) {
    std::vector<std::vector<float>> own;
    for (const std::vector<float>& x : characters) own.push_back(of_photo(x, k));
    const Result<std::vector<double>> losses = photos_[k].objective->judge(own);
    if (!losses.ok()) return losses.status();
    for (std::size_t i = 0; i < means.size(); ++i) means[i] += (*losses)[i] * share();
  }
  return means;
}

double JointProblem::step_seconds() const {
  double sum = 0;
  for (const Photo& photo : photos_) sum += photo.objective->step_seconds();
  return sum;
}

}  // namespace likeness
