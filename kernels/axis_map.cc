#include "kernels/axis_map.hpp"

#include <algorithm>
#include <cmath>

#include "base/parallel.hpp"
#include "kernels/axis_map_simd.hpp"

namespace likeness::kernels {
namespace {

constexpr std::int64_t kNumbersPerTask = 1 << 14;  // of the result

AxisMap empty_map(std::int64_t inputs, std::int64_t outputs) {
  AxisMap map;
  map.inputs = inputs;
  map.outputs = outputs;
  map.start.push_back(0);
  return map;
}

void add_term(AxisMap& map, std::int64_t index, double weight, float single) {
  map.index.push_back(index);
  map.weight.push_back(weight);
  map.single.push_back(single);
}

void end_output(AxisMap& map) { map.start.push_back(static_cast<std::int64_t>(map.index.size())); }

// body(first, count) for runs of rows, of kNumbersPerTask numbers each.
template <class Body>
void for_rows(std::int64_t rows, std::int64_t width, const Body& body) {
  const std::int64_t together = std::max<std::int64_t>(1, kNumbersPerTask / width);
  parallel_for((rows + together - 1) / together,
               [&](std::int64_t task) { body(task * together, std::min(together, rows - task * together)); });
}

}  // namespace

AxisMap AxisMap::bilinear(std::int64_t from, std::int64_t to, bool align_corners) {
  AxisMap map = empty_map(from, to);
  const double ratio = align_corners ? (to > 1 ? static_cast<double>(from - 1) / static_cast<double>(to - 1) : 0.0)
                                     : static_cast<double>(from) / static_cast<double>(to);
  for (std::int64_t o = 0; o < to; ++o) {
    const double place = align_corners ? static_cast<double>(o) * ratio : std::max(0.0, (static_cast<double>(o) + 0.5) * ratio - 0.5);
    const auto low = std::min(static_cast<std::int64_t>(place), from - 1);
    const double fraction = place - static_cast<double>(low);
    // In single precision the two add up to one exactly: an even picture stays even.
    const auto single = static_cast<float>(fraction);
    add_term(map, low, 1.0 - fraction, 1.0F - single);
    add_term(map, std::min(low + 1, from - 1), fraction, single);
    end_output(map);
  }
  return map;
}

AxisMap AxisMap::antialiased(std::int64_t from, std::int64_t to) {
  AxisMap map = empty_map(from, to);
  const double ratio = static_cast<double>(from) / static_cast<double>(to);
  const double radius = std::max(1.0, ratio);
  for (std::int64_t o = 0; o < to; ++o) {
    const double centre = (static_cast<double>(o) + 0.5) * ratio;
    const auto begin = static_cast<std::int64_t>(std::max(0.0, centre - radius + 0.5));
    const auto end = std::min(from, static_cast<std::int64_t>(centre + radius + 0.5));
    const auto triangle = [&](std::int64_t i) { return std::max(0.0, 1.0 - std::abs(static_cast<double>(i) + 0.5 - centre) / radius); };
    double sum = 0.0;
    for (std::int64_t i = begin; i < end; ++i) sum += triangle(i);
    for (std::int64_t i = begin; i < end; ++i) add_term(map, i, triangle(i) / sum, static_cast<float>(triangle(i) / sum));
    end_output(map);
  }
  return map;
}

AxisMap AxisMap::average(const PoolAxis& windows, bool count_include_pad) {
  AxisMap map = empty_map(windows.size, windows.outputs);
  for (std::int64_t o = 0; o < windows.outputs; ++o) {
    const std::int64_t begin = windows.begin(o);
    const std::int64_t end = windows.end(o);
    const double weight = 1.0 / static_cast<double>(count_include_pad && windows.kernel > 0 ? windows.kernel : end - begin);
    for (std::int64_t i = begin; i < end; ++i) add_term(map, i, weight, static_cast<float>(weight));
    end_output(map);
  }
  return map;
}

AxisMap AxisMap::padding(std::int64_t from, std::int64_t before, std::int64_t after, PadMode mode) {
  AxisMap map = empty_map(from, before + from + after);
  for (std::int64_t o = 0; o < map.outputs; ++o) {
    std::int64_t i = o - before;
    if (mode == PadMode::replicate) i = std::clamp<std::int64_t>(i, 0, from - 1);
    if (mode == PadMode::reflect) i = i < 0 ? -i : i >= from ? 2 * (from - 1) - i : i;
    if (i >= 0 && i < from) add_term(map, i, 1.0, 1.0F);
    end_output(map);
  }
  return map;
}

AxisMap AxisMap::transposed() const {
  AxisMap map;
  map.inputs = outputs;
  map.outputs = inputs;
  map.start.assign(static_cast<std::size_t>(inputs) + 1, 0);
  map.index.resize(index.size());
  map.weight.resize(index.size());
  map.single.resize(index.size());
  for (const std::int64_t i : index) ++map.start[static_cast<std::size_t>(i) + 1];
  for (std::size_t i = 1; i < map.start.size(); ++i) map.start[i] += map.start[i - 1];
  std::vector<std::int64_t> next(map.start.begin(), map.start.end() - 1);
  for (std::int64_t o = 0; o < outputs; ++o) {
    for (auto k = static_cast<std::size_t>(start[static_cast<std::size_t>(o)]);
         k < static_cast<std::size_t>(start[static_cast<std::size_t>(o) + 1]); ++k) {
      const auto to = static_cast<std::size_t>(next[static_cast<std::size_t>(index[k])]++);
      map.index[to] = o;
      map.weight[to] = weight[k];
      map.single[to] = single[k];
    }
  }
  return map;
}

std::int64_t axes_workspace(const AxisMap& rows, const AxisMap& columns, std::int64_t planes) {
  return planes * rows.inputs * columns.outputs;
}

void apply_axes(const AxisMap& rows, const AxisMap& columns, const float* x, std::int64_t planes, float* y, float* workspace) {
  const std::int64_t width = columns.outputs;
  for_rows(planes * rows.inputs, width, [&](std::int64_t first, std::int64_t count) {
    simd::map_columns(columns, x + first * columns.inputs, count, workspace + first * width);
  });
  for_rows(planes * rows.outputs, width, [&](std::int64_t first, std::int64_t count) {
    for (std::int64_t r = first; r < first + count; ++r) {
      const auto i = static_cast<std::size_t>(r % rows.outputs);
      const auto k = static_cast<std::size_t>(rows.start[i]);
      const float* plane = workspace + r / rows.outputs * rows.inputs * width;
      simd::combine_rows(rows.single.data() + k, rows.index.data() + k, rows.start[i + 1] - rows.start[i], plane, width, y + r * width);
    }
  });
}

}  // namespace likeness::kernels
