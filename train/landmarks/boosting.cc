#include "train/landmarks/boosting.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <complex>
#include <numeric>
#include <random>

namespace likeness::landmarks {
namespace {

constexpr int kComponents = 16;
constexpr int kJaw = 34;  // coordinates before the inner landmarks
using Components = std::array<float, kComponents>;
using Random = std::mt19937_64;

double uniform(Random& random) { return static_cast<double>(random() >> 11) * 0x1p-53; }

// What one start of one sample still has to learn.
struct Path {
  std::uint32_t sample = 0;
  Shape rest{};          // 0 where the landmark is unknown
  Components compact{};  // of `rest`
};

Shape mean_shape(const Samples& samples) {
  std::array<double, kCoordinates> sum{}, count{};
  for (const Shape& shape : samples.shapes) {
    for (std::size_t k = 0; k < kCoordinates; ++k) {
      if (std::isnan(shape[k])) continue;
      sum[k] += static_cast<double>(shape[k]);
      count[k] += 1;
    }
  }
  Shape mean;
  for (std::size_t k = 0; k < kCoordinates; ++k) mean[k] = static_cast<float>(sum[k] / count[k]);
  return mean;
}

// Half of the pixels anywhere around the face, half near the inner landmarks, whose positions are what counts.
void place_pixels(const Shape& mean, int count, Random& random, Level& level) {
  std::normal_distribution<float> near(0, 0.07F);
  std::array<float, 2> low = {mean[0], mean[1]}, high = low;
  for (std::size_t k = 0; k < kCoordinates; ++k) {
    low[k % 2] = std::min(low[k % 2], mean[k]);
    high[k % 2] = std::max(high[k % 2], mean[k]);
  }
  for (int i = 0; i < count; ++i) {
    std::array<float, 2> p;
    const std::size_t landmark = 17 + random() % 51;
    for (std::size_t c = 0; c < 2; ++c) {
      p[c] = i % 2 == 0 ? low[c] - 0.05F + (high[c] - low[c] + 0.1F) * static_cast<float>(uniform(random))
                        : mean[2 * landmark + c] + near(random);
    }
    PixelPlace place;
    float least = 1e9F;
    for (std::size_t k = 0; k < kCoordinates; k += 2) {
      const float dx = p[0] - mean[k], dy = p[1] - mean[k + 1];
      if (dx * dx + dy * dy >= least) continue;
      least = dx * dx + dy * dy;
      place = {static_cast<int>(k / 2), dx, dy};
    }
    level.coordinates.push_back(p);
    level.places.push_back(place);
  }
}

std::size_t leaf_of(const Tree& tree, const std::uint8_t* grey) {
  std::size_t node = 0;
  while (node < tree.splits.size()) {
    const Split& s = tree.splits[node];
    node = 2 * node + (static_cast<float>(grey[s.first]) - static_cast<float>(grey[s.second]) > s.threshold ? 1 : 2);
  }
  return node - tree.splits.size();
}

void read_pixels(const Cascade& cascade, const Level& level, const Samples& samples, std::size_t index, const Shape& shape,
                 std::uint8_t* grey) {
  const Turn turn = turn_between(cascade.mean, shape);
  for (std::size_t i = 0; i < level.places.size(); ++i) {
    const PixelPlace& p = level.places[i];
    const auto k = static_cast<std::size_t>(2 * p.anchor);
    const float x = turn.a * p.dx - turn.b * p.dy + shape[k], y = turn.b * p.dx + turn.a * p.dy + shape[k + 1];
    grey[i] = samples.at(index, to_crop(x), to_crop(y));
  }
}

// Directions [kComponents][136] in which most is left to learn, the jaw weighing less.
using Basis = Eigen::Matrix<float, kComponents, kCoordinates>;
Basis principal_directions(const std::vector<Path>& paths, double jaw) {
  Eigen::MatrixXd covariance = Eigen::MatrixXd::Zero(kCoordinates, kCoordinates);
  Eigen::VectorXd weight = Eigen::VectorXd::Ones(kCoordinates);
  weight.head(kJaw).setConstant(jaw);
  const std::size_t step = std::max<std::size_t>(1, paths.size() / 6000);
  for (std::size_t i = 0; i < paths.size(); i += step) {
    const Eigen::VectorXd rest =
        Eigen::Map<const Eigen::Matrix<float, kCoordinates, 1>>(paths[i].rest.data()).cast<double>().cwiseProduct(weight);
    covariance.selfadjointView<Eigen::Lower>().rankUpdate(rest);
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(covariance);
  const Eigen::MatrixXd directions = solver.eigenvectors().rightCols(kComponents).transpose();
  return (directions * weight.asDiagonal()).cast<float>();
}

Components project(const Basis& basis, const Shape& shape) {
  Components out;
  Eigen::Map<Eigen::Matrix<float, kComponents, 1>>(out.data()) =
      basis * Eigen::Map<const Eigen::Matrix<float, kCoordinates, 1>>(shape.data());
  return out;
}

class LevelTrainer {
 public:
  LevelTrainer(const TrainOptions& options, Random& random, std::vector<Path>& paths, const std::vector<std::uint8_t>& grey,
               const Level& level)
      : options_(options), random_(random), paths_(paths), grey_(grey), level_(level), pixels_(level.places.size()) {
    basis_ = principal_directions(paths_, options_.jaw);
    for (Path& path : paths_) path.compact = project(basis_, path.rest);
  }

  Tree grow(const Samples& samples) {
    Tree tree;
    const std::size_t nodes = (std::size_t{1} << options_.depth) - 1;
    std::vector<std::uint32_t> searched(std::min(options_.searched, paths_.size()));
    for (std::uint32_t& i : searched) i = static_cast<std::uint32_t>(random_() % paths_.size());
    std::vector<std::vector<std::uint32_t>> members(2 * nodes + 1);
    members[0] = std::move(searched);
    for (std::size_t node = 0; node < nodes; ++node) {
      const Split split = best_split(members[node]);
      for (const std::uint32_t i : members[node]) members[2 * node + (left(split, i) ? 1 : 2)].push_back(i);
      members[node].clear();
      tree.splits.push_back(split);
    }
    add_leaves(samples, tree);
    return tree;
  }

 private:
  bool left(const Split& s, std::size_t path) const {
    const std::uint8_t* grey = grey_.data() + path * pixels_;
    return static_cast<float>(grey[s.first]) - static_cast<float>(grey[s.second]) > s.threshold;
  }

  // The threshold is a difference that occurs at the node, so every candidate splits something.
  Split draw(const std::vector<std::uint32_t>& members) {
    Split split;
    for (int attempt = 0; attempt < 1000; ++attempt) {
      split.first = static_cast<int>(random_() % pixels_);
      split.second = static_cast<int>(random_() % pixels_);
      if (split.first == split.second) continue;
      const auto& p = level_.coordinates[static_cast<std::size_t>(split.first)];
      const auto& q = level_.coordinates[static_cast<std::size_t>(split.second)];
      if (std::exp(-static_cast<double>(std::hypot(p[0] - q[0], p[1] - q[1]) / options_.reach)) > uniform(random_)) break;
    }
    if (!members.empty()) {
      const std::uint8_t* grey = grey_.data() + members[random_() % members.size()] * pixels_;
      split.threshold = static_cast<float>(grey[split.first]) - static_cast<float>(grey[split.second]) - 0.5F;
    }
    return split;
  }

  Split best_split(const std::vector<std::uint32_t>& members) {
    Components all{};
    for (const std::uint32_t i : members) {
      for (std::size_t k = 0; k < kComponents; ++k) all[k] += paths_[i].compact[k];
    }
    Split best = draw(members);
    float most = -1;
    for (int candidate = 0; candidate < options_.candidates && !members.empty(); ++candidate) {
      const Split split = draw(members);
      Components sum{};
      float count = 0;
      for (const std::uint32_t i : members) {
        const float chosen = left(split, i) ? 1.0F : 0.0F;  // a factor instead of a branch that the processor cannot foresee
        const Components& z = paths_[i].compact;
        for (std::size_t k = 0; k < kComponents; ++k) sum[k] += chosen * z[k];
        count += chosen;
      }
      const float others = static_cast<float>(members.size()) - count;
      if (count < 1 || others < 1) continue;
      float score = 0;
      for (std::size_t k = 0; k < kComponents; ++k) score += sum[k] * sum[k] / count + (all[k] - sum[k]) * (all[k] - sum[k]) / others;
      if (score <= most) continue;
      most = score;
      best = split;
    }
    return best;
  }

  void add_leaves(const Samples& samples, Tree& tree) {
    const std::size_t count = tree.splits.size() + 1;
    std::vector<std::uint32_t> leaf(paths_.size());
    std::vector<std::array<double, kCoordinates>> sum(count), known(count);
    for (std::size_t i = 0; i < paths_.size(); ++i) {
      leaf[i] = static_cast<std::uint32_t>(leaf_of(tree, grey_.data() + i * pixels_));
      const Shape& target = samples.shapes[paths_[i].sample];
      for (std::size_t k = 0; k < kCoordinates; ++k) {
        sum[leaf[i]][k] += static_cast<double>(paths_[i].rest[k]);
        known[leaf[i]][k] += std::isnan(target[k]) ? 0 : 1;
      }
    }
    tree.leaves.resize(count);
    std::vector<Components> compact(count);
    for (std::size_t l = 0; l < count; ++l) {
      for (std::size_t k = 0; k < kCoordinates; ++k) {
        tree.leaves[l][k] = rounded(static_cast<float>(static_cast<double>(options_.rate) * sum[l][k] / std::max(1.0, known[l][k])));
      }
      compact[l] = project(basis_, tree.leaves[l]);
    }
    for (std::size_t i = 0; i < paths_.size(); ++i) {
      const Shape& target = samples.shapes[paths_[i].sample];
      for (std::size_t k = 0; k < kCoordinates; ++k) {
        paths_[i].rest[k] = std::isnan(target[k]) ? 0 : paths_[i].rest[k] - tree.leaves[leaf[i]][k];
      }
      if (std::ranges::any_of(target, [](float v) { return std::isnan(v); })) {
        paths_[i].compact = project(basis_, paths_[i].rest);  // unknown landmarks stay out of it
        continue;
      }
      for (std::size_t k = 0; k < kComponents; ++k) paths_[i].compact[k] -= compact[leaf[i]][k];
    }
  }

  const TrainOptions& options_;
  Random& random_;
  std::vector<Path>& paths_;
  const std::vector<std::uint8_t>& grey_;  // paths x pixels
  const Level& level_;
  std::size_t pixels_;
  Basis basis_;
};

}  // namespace

Turn turn_between(const Shape& from, const Shape& to) {
  std::complex<double> mean_from, mean_to;
  const auto at = [](const Shape& s, std::size_t k) {
    return std::complex<double>(static_cast<double>(s[k]), static_cast<double>(s[k + 1]));
  };
  for (std::size_t k = 0; k < kCoordinates; k += 2) {
    mean_from += at(from, k) / 68.0;
    mean_to += at(to, k) / 68.0;
  }
  std::complex<double> product;
  double norm = 0;
  for (std::size_t k = 0; k < kCoordinates; k += 2) {
    product += std::conj(at(from, k) - mean_from) * (at(to, k) - mean_to);
    norm += std::norm(at(from, k) - mean_from);
  }
  product /= norm;
  return {static_cast<float>(product.real()), static_cast<float>(product.imag())};
}

Cascade train(const Samples& samples, const TrainOptions& options) {
  Random random(options.seed);
  Cascade cascade;
  cascade.mean = mean_shape(samples);
  for (float& v : cascade.mean) v = rounded(v);
  std::vector<Path> paths(samples.count() * static_cast<std::size_t>(options.starts));
  std::vector<Shape> current(paths.size(), cascade.mean);
  for (std::size_t i = 0; i < paths.size(); ++i) {
    paths[i].sample = static_cast<std::uint32_t>(i / static_cast<std::size_t>(options.starts));
    const Shape& target = samples.shapes[paths[i].sample];
    if (i % static_cast<std::size_t>(options.starts) != 0) {
      // The run time starts from the mean shape; the other starts go some way towards somebody else's.
      const Shape& other = samples.shapes[random() % samples.count()];
      const auto share = static_cast<float>(0.7 * uniform(random));
      for (std::size_t k = 0; k < kCoordinates; ++k) current[i][k] += std::isnan(other[k]) ? 0 : share * (other[k] - cascade.mean[k]);
    }
    for (std::size_t k = 0; k < kCoordinates; ++k) paths[i].rest[k] = std::isnan(target[k]) ? 0 : target[k] - current[i][k];
  }
  for (int l = 0; l < options.levels; ++l) {
    Level& level = cascade.levels.emplace_back();
    place_pixels(cascade.mean, options.pixels, random, level);
    std::vector<std::uint8_t> grey(paths.size() * level.places.size());
    for (std::size_t i = 0; i < paths.size(); ++i) {
      read_pixels(cascade, level, samples, paths[i].sample, current[i], grey.data() + i * level.places.size());
    }
    LevelTrainer trainer(options, random, paths, grey, level);
    for (int t = 0; t < options.trees; ++t) level.trees.push_back(trainer.grow(samples));
    double error = 0, counted = 0;
    for (std::size_t i = 0; i < paths.size(); ++i) {
      const std::uint8_t* g = grey.data() + i * level.places.size();
      for (const Tree& tree : level.trees) {
        const Shape& step = tree.leaves[leaf_of(tree, g)];
        for (std::size_t k = 0; k < kCoordinates; ++k) current[i][k] += step[k];
      }
      const double e = inner_error(current[i], samples.shapes[paths[i].sample]);
      if (!std::isnan(e)) error += e, counted += 1;
    }
    if (options.report) options.report(l, cascade, counted > 0 ? error / counted : 0);
  }
  return cascade;
}

Shape apply(const Cascade& cascade, const Samples& samples, std::size_t index, const Shape& start) {
  Shape shape = start;
  std::vector<std::uint8_t> grey;
  for (const Level& level : cascade.levels) {
    grey.resize(level.places.size());
    read_pixels(cascade, level, samples, index, shape, grey.data());
    for (const Tree& tree : level.trees) {
      const Shape& step = tree.leaves[leaf_of(tree, grey.data())];
      for (std::size_t k = 0; k < kCoordinates; ++k) shape[k] += step[k];
    }
  }
  return shape;
}

double inner_error(const Shape& found, const Shape& exact) {
  double sum = 0, count = 0;
  std::array<std::complex<double>, 2> eye{};
  for (std::size_t p = 36; p < 48; ++p) {
    eye[p < 42 ? 0 : 1] += std::complex<double>(static_cast<double>(found[2 * p]), static_cast<double>(found[2 * p + 1])) / 6.0;
  }
  for (std::size_t k = kJaw; k < kCoordinates; k += 2) {
    if (std::isnan(exact[k])) continue;
    sum += std::hypot(static_cast<double>(found[k] - exact[k]), static_cast<double>(found[k + 1] - exact[k + 1]));
    count += 1;
  }
  return sum / count / std::abs(eye[1] - eye[0]);
}

float rounded(float value) {
  int exponent = 0;
  const float mantissa = std::frexp(value, &exponent);
  return std::ldexp(std::round(mantissa * 256), exponent - 8);
}

}  // namespace likeness::landmarks
