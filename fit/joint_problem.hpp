// Several photos of one person as one search problem: one identity, and for each photo its own pose, expression and light.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fit/objective.hpp"
#include "fit/search.hpp"
#include "likeness/scene.hpp"
#include "likeness/status.hpp"

namespace likeness {

/// The mean of the photos' losses. A joint vector is a vector of the model's schema, whose nuisance entries are those of the first photo,
/// followed by the nuisance entries of each further photo in turn. With one photo it is that photo's problem, bit for bit.
class JointProblem : public SearchProblem {
 public:
  /// One objective a photo, at least one, all of `schema` and with their photos set; they must outlive it.
  /// Errors: corrupt_scene (the joint schema breaks a limit of Schema::parse()).
  static Result<std::unique_ptr<JointProblem>> create(const Schema& schema, std::vector<Objective*> photos);

  /// The schema of joint vectors. Further photos' parameters are named PHOTO.INDEX: the parameter INDEX of the model's schema (from 0).
  const Schema& schema() const { return schema_; }
  /// The entries of photo `photo` (from 0), as a vector of the model's schema.
  std::vector<float> of_photo(std::span<const float> x, std::size_t photo) const;
  /// The joint vector of one vector a photo: the mean of their identities, and each one's own nuisance entries.
  std::vector<float> join(std::span<const std::vector<float>> characters) const;
  /// Of Value::terms, in order; terms that only some photos have count as 0 for the others.
  const std::vector<std::string>& term_names() const { return term_names_; }

  /// Errors of these: invalid_argument (lengths), and those of the objectives.
  Result<Value> evaluate(std::span<const float> x, std::span<float> gradient) override;
  Status correct(std::span<const float> x) override;
  bool shapes(std::size_t entry) const override;
  Result<std::vector<double>> judge(std::span<const std::vector<float>> characters) override;
  double step_seconds() const override;

 private:
  struct Photo {
    Objective* objective;
    std::vector<std::size_t> entries;  // of its vector, in the joint one
    std::vector<std::size_t> terms;    // of its terms, in term_names_
  };

  explicit JointProblem(Schema schema) : schema_(std::move(schema)) {}
  double share() const { return 1.0 / static_cast<double>(photos_.size()); }
  void scatter(const Photo& photo, std::span<const float> from, std::span<float> to) const;

  Schema schema_;
  std::vector<Photo> photos_;
  std::vector<std::string> term_names_;
};

}  // namespace likeness
