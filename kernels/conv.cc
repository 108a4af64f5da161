#include "kernels/conv.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include "base/parallel.hpp"
#include "kernels/conv_tiles.hpp"
#include "kernels/padded_source.hpp"

namespace likeness::kernels {
namespace {

constexpr std::int64_t kChunk = 12 * kTilePlaces;  // places of one task at most
constexpr std::int64_t kMinimumTasks = 8;          // a layer with fewer chunks is split by channels too
constexpr std::int64_t kTaskProducts = 1 << 18;    // unless its tasks would have fewer products than this

// With bfloat16, Winograd stays in single precision, where transforms lose no digits: for so few filters (in x out) it is the faster of
// both and hardly larger (docs/performance.md); for more it would read several times the memory for as much time.
constexpr std::int64_t kMostFiltersBesideBf16 = 1 << 13;

std::int64_t panels_of(std::int64_t rows) { return divide_up(rows, kPanelRows); }

// Few output channels repay no copied block, and so no rounding.
Precision panel_precision(std::int64_t rows, Precision wanted) { return rows <= kDirectRows ? Precision::fp32 : wanted; }

// One direction's jobs: a grid, or the grids of one or two row phases, which share what they read.
struct Grids {
  TapJob job[2];
  std::int64_t places[2] = {};
  int size = 1;
};

// Runs `rows` output channels in tasks; the grids' jobs hold everything else.
void run_tiles(const Grids& grids, std::int64_t rows) {
  std::int64_t products = 0;
  for (int g = 0; g < grids.size; ++g) {
    for (int p = 0; p < grids.job[g].column_phases; ++p)
      products += grids.places[g] * rows * grids.job[g].channels * grids.job[g].columns[p].taps;
  }
  const std::int64_t panels = divide_up(rows, kPanelRows);
  const std::int64_t wanted = std::clamp(products / kTaskProducts, std::int64_t{1}, kMinimumTasks);
  // Places are split first: a copied block then serves more channels.
  const std::int64_t blocks = divide_up(grids.places[0], kTilePlaces);
  const std::int64_t vectors = divide_up(grids.places[0], kVectorPlaces);
  const std::int64_t chunks = std::max(divide_up(grids.places[0], kChunk), std::min(blocks, wanted));
  const std::int64_t most = kMaxPanels / grids.job[0].column_phases;
  const std::int64_t groups = std::max(divide_up(panels, most), std::min(panels, wanted / chunks));
  parallel_for(chunks * groups, [&](std::int64_t task) {
    const std::int64_t chunk = task / groups;
    const std::int64_t group = task % groups;
    const std::int64_t panel = panels * group / groups;
    for (int g = 0; g < grids.size; ++g) {
      TapJob mine = grids.job[g];
      mine.first_panel = panel;
      mine.rows = std::min(rows, panels * (group + 1) / groups * kPanelRows) - panel * kPanelRows;
      mine.out += panel * kPanelRows * mine.out_channel_stride;
      if (mine.bias != nullptr) mine.bias += panel * kPanelRows;
      if (mine.residual != nullptr) mine.residual += panel * kPanelRows * mine.out_channel_stride;
      // The last chunk takes what the first grid's size leaves of the second.
      mine.begin = std::min(grids.places[g], vectors * chunk / chunks * kVectorPlaces);
      mine.end = chunk + 1 == chunks ? grids.places[g] : std::min(grids.places[g], vectors * (chunk + 1) / chunks * kVectorPlaces);
      const bool nothing = mine.columns[0].taps == 0 && (mine.column_phases == 1 || mine.columns[1].taps == 0);
      // No taps reach these rows: what is added to stays as it is.
      if (nothing && mine.residual == mine.out && mine.bias == nullptr && !mine.relu) continue;
      if (mine.begin < mine.end) tap_tiles(mine);
    }
  });
}

PaddedSource gather_source(const ConvShape& s) {
  const std::int64_t phases = std::min(s.stride, std::max(s.extent_h(), s.extent_w()));
  return {s.in,      phases,   s.stride, s.out_height() + (s.extent_h() - 1) / s.stride, s.out_width() + (s.extent_w() - 1) / s.stride,
          s.padding, s.padding};
}

// One axis of scatter: output s i + r is the sum over n < taps of tap (first_tap + n tap_step) times y[i + shift - n shift_step].
struct Phase {
  std::int64_t first_tap, taps, tap_step, shift, shift_step;
};

Phase scatter_phase(const ConvShape& s, std::int64_t kernel, std::int64_t r) {
  // The taps u with u dilation = r + padding modulo stride.
  const std::int64_t common = std::gcd(s.stride, s.dilation);
  Phase phase{0, 0, s.stride / common, 0, s.dilation / common};
  const std::int64_t last = std::min(kernel, phase.tap_step);
  while (phase.first_tap < last && (r + s.padding - phase.first_tap * s.dilation) % s.stride != 0) ++phase.first_tap;
  if (phase.first_tap == last) return phase;
  phase.taps = divide_up(kernel - phase.first_tap, phase.tap_step);
  phase.shift = (r + s.padding - phase.first_tap * s.dilation) / s.stride;
  return phase;
}

// Rows (columns) of zeros before the first of y and the extent needed so that every phase finds its taps.
struct Extent {
  std::int64_t before, size;
};

Extent scatter_extent(const ConvShape& s, std::int64_t x_size, std::int64_t kernel) {
  std::int64_t lowest = 0;
  std::int64_t highest = 0;
  for (std::int64_t r = 0; r < std::min(s.stride, x_size); ++r) {
    const Phase phase = scatter_phase(s, kernel, r);
    if (phase.taps > 0) lowest = std::min(lowest, phase.shift - (phase.taps - 1) * phase.shift_step);
    highest = std::max(highest, divide_up(x_size - r, s.stride) - 1 + phase.shift);
  }
  // A grid without taps, or one that reads only zeros before y, still has its places.
  return {-lowest, std::max(highest - lowest + 1, divide_up(x_size, s.stride))};
}

PaddedSource scatter_source(const ConvShape& s) {
  const Extent rows = scatter_extent(s, s.height, s.kernel_h);
  const Extent columns = scatter_extent(s, s.width, s.kernel_w);
  return {s.out, 1, 1, rows.size, columns.size, rows.before, columns.before};
}

// Whether the picture itself can be the source of `rows` output channels: nothing moves, and no tile reads behind its end. That takes
// whole vectors and grids that have all of its places: of a narrower grid the last row, of a lower one or a tap further down the last
// vector would end behind it. For few channels each row is read by itself (DirectTiles).
bool is_source(const PaddedSource& s, std::int64_t rows, std::int64_t height, std::int64_t width, std::int64_t least_grid_height,
               std::int64_t least_grid_width) {
  const bool whole_vectors = (rows > kDirectRows ? height * width : width) % kVectorPlaces == 0;
  return s.phases == 1 && s.step == 1 && s.top == 0 && s.left == 0 && s.height == height && s.width == width &&
         least_grid_height == height && least_grid_width == width && whole_vectors;
}

// Places of the last phase along an axis, which has the fewest.
std::int64_t least_grid(const ConvShape& s, std::int64_t size) { return divide_up(size - std::min(s.stride, size) + 1, s.stride); }

// The job of group `group` of `channels` source channels and `rows` output channels each.
TapJob group_job(TapJob job, std::int64_t group, std::int64_t channels, std::int64_t rows) {
  job.source += group * channels * job.channel_stride;
  if (job.mask != nullptr) job.mask += group * channels * job.channel_stride;
  job.out += group * rows * job.out_channel_stride;
  if (job.residual != nullptr) job.residual += group * rows * job.out_channel_stride;
  if (job.bias != nullptr) job.bias += group * rows;
  return job;
}

}  // namespace

PackedConv::PackedConv(const ConvShape& shape, const float* weight, Precision precision)
    : packed_(shape),
      gather_panels_(panel_precision(shape.group_out(), precision)),
      scatter_panels_(panel_precision(shape.group_in(), precision)) {
  const ConvShape& s = packed_;
  gather_panels_.resize(s.groups * gather_group_size());
  std::int64_t size = 0;
  for (std::int64_t u = 0; u < s.stride; ++u) {
    for (std::int64_t v = 0; v < s.stride; ++v) {
      scatter_offsets_.push_back(size);
      size += s.groups * scatter_group_size(u, v);
    }
  }
  scatter_panels_.resize(size);
  if (Winograd::takes(s) && Winograd::gains(s)) {
    const bool few = s.in * s.out <= kMostFiltersBesideBf16;
    const bool any_size = s.height == 1 && s.width == 1;
    if ((any_size || Winograd::pays(s, true)) && (few || !gather_panels_.bf16())) gather_windows_.emplace(s, true);
    if ((any_size || Winograd::pays(s, false)) && (few || !scatter_panels_.bf16())) scatter_windows_.emplace(s, false);
  }
  pack(weight);
}

std::int64_t PackedConv::gather_group_size() const {
  return gather_panels_.block_size(panels_of(packed_.group_out()), packed_.group_in() * packed_.taps());
}

std::int64_t PackedConv::scatter_group_size(std::int64_t u, std::int64_t v) const {
  const std::int64_t taps = scatter_phase(packed_, packed_.kernel_h, u).taps * scatter_phase(packed_, packed_.kernel_w, v).taps;
  return scatter_panels_.block_size(panels_of(packed_.group_in()), packed_.group_out() * taps);
}

void PackedConv::pack(const float* weight) {
  const ConvShape& s = packed_;
  if (gather_windows_) gather_windows_->pack(weight);
  if (scatter_windows_) scatter_windows_->pack(weight);
  // A panel's rows are written together, place by place, and panels side by side.
  const std::int64_t per_channel = s.group_in() * s.taps();
  const std::int64_t out_panels = panels_of(s.group_out());
  parallel_for(s.groups * out_panels, [&](std::int64_t task) {
    const std::int64_t group = task / out_panels, panel = task % out_panels;
    const std::int64_t first = panel * kPanelRows, count = std::min(kPanelRows, s.group_out() - first);
    const float* from = weight + (group * s.group_out() + first) * per_channel;
    for (std::int64_t k = 0; k < per_channel; ++k)
      gather_panels_.set(group * gather_group_size(), out_panels, per_channel, panel, k, from + k, per_channel, count);
  });
  const std::int64_t panels = panels_of(s.group_in());
  for (std::int64_t u = 0; u < s.stride; ++u) {
    const Phase rows = scatter_phase(s, s.kernel_h, u);
    for (std::int64_t v = 0; v < s.stride; ++v) {
      const Phase columns = scatter_phase(s, s.kernel_w, v);
      const std::int64_t products = s.group_out() * rows.taps * columns.taps;
      const std::int64_t of_phase = scatter_offsets_[static_cast<std::size_t>(u * s.stride + v)];
      parallel_for(s.groups * panels, [&](std::int64_t task) {
        const std::int64_t group = task / panels, panel = task % panels;
        const std::int64_t first = panel * kPanelRows, count = std::min(kPanelRows, s.group_in() - first);
        const std::int64_t of_group = of_phase + group * scatter_group_size(u, v);
        std::int64_t k = 0;
        for (std::int64_t o = group * s.group_out(); o < (group + 1) * s.group_out(); ++o) {
          const float* taps = weight + (o * s.group_in() + first) * s.taps();
          for (std::int64_t a = 0; a < rows.taps; ++a) {
            for (std::int64_t b = 0; b < columns.taps; ++b, ++k) {
              const float* from = taps + (rows.first_tap + a * rows.tap_step) * s.kernel_w + columns.first_tap + b * columns.tap_step;
              scatter_panels_.set(of_group, panels, products, panel, k, from, s.taps(), count);
            }
          }
        }
      });
    }
  }
}

void PackedConv::unpack(float* weight) const {
  const ConvShape& s = packed_;
  const std::int64_t per_channel = s.group_in() * s.taps();
  for (std::int64_t o = 0; o < s.out; ++o) {
    const std::int64_t group = o / s.group_out() * gather_group_size();
    for (std::int64_t k = 0; k < per_channel; ++k)
      weight[o * per_channel + k] = gather_panels_.get(group, panels_of(s.group_out()), per_channel, o % s.group_out(), k);
  }
}

std::int64_t PackedConv::workspace(const ConvShape& shape) const {
  std::int64_t most = std::max(gather_source(shape).size(), scatter_source(shape).size());
  if (gather_windows_ && Winograd::pays(shape, true)) most = std::max(most, gather_windows_->workspace(shape));
  if (scatter_windows_ && Winograd::pays(shape, false)) most = std::max(most, scatter_windows_->workspace(shape));
  return most;
}

std::int64_t PackedConv::bytes() const {
  const std::int64_t windows = (gather_windows_ ? gather_windows_->bytes() : 0) + (scatter_windows_ ? scatter_windows_->bytes() : 0);
  return gather_panels_.bytes() + scatter_panels_.bytes() + windows;
}

void PackedConv::gather(const ConvShape& shape, const float* x, const float* mask, const ConvEpilogue& epilogue, float* y,
                        float* workspace) const {
  if (gather_windows_ && Winograd::pays(shape, true)) return gather_windows_->run(shape, x, mask, epilogue, y, workspace);
  const PaddedSource source = gather_source(shape);
  const bool as_it_is = is_source(source, shape.group_out(), shape.height, shape.width, shape.out_height(), shape.out_width());
  if (!as_it_is) fill_source(source, x, mask, shape.height, shape.width, workspace);
  const std::int64_t s = shape.stride;
  std::array<std::int64_t, ConvShape::kMaxTaps> offsets;
  std::size_t taps = 0;
  for (std::int64_t u = 0; u < shape.extent_h(); u += shape.dilation) {
    for (std::int64_t v = 0; v < shape.extent_w(); v += shape.dilation) {
      offsets[taps++] = (u % s * source.phases + v % s) * source.plane() + u / s * source.width + v / s;
    }
  }
  const std::int64_t height = shape.out_height();
  const std::int64_t width = shape.out_width();
  TapColumns columns{nullptr, nullptr, panels_of(shape.group_out()), offsets.data(), shape.taps(), width, 0};
  TapJob job;
  job.source = as_it_is ? x : workspace;
  job.mask = as_it_is ? mask : nullptr;
  job.channels = shape.group_in();
  job.channel_stride = source.channel_stride();
  job.pitch = source.width;
  job.width = width;
  job.columns = &columns;
  job.out = y;
  job.out_channel_stride = height * width;
  job.out_row_step = width;
  job.bias = epilogue.bias;
  job.residual = epilogue.residual;
  job.relu = epilogue.relu;
  for (std::int64_t g = 0; g < shape.groups; ++g) {
    gather_panels_.show(g * gather_group_size(), columns);
    run_tiles({{group_job(job, g, shape.group_in(), shape.group_out())}, {height * width}}, shape.group_out());
  }
}

void PackedConv::scatter(const ConvShape& shape, const float* y, const float* mask, const ConvEpilogue& epilogue, float* x,
                         float* workspace) const {
  if (scatter_windows_ && Winograd::pays(shape, false)) return scatter_windows_->run(shape, y, mask, epilogue, x, workspace);
  const PaddedSource source = scatter_source(shape);
  const bool as_it_is = is_source(source, shape.group_in(), shape.out_height(), shape.out_width(), least_grid(shape, shape.height),
                                  least_grid(shape, shape.width));
  if (!as_it_is) fill_source(source, y, mask, shape.out_height(), shape.out_width(), workspace);
  const std::int64_t s = shape.stride;
  TapJob job;
  job.source = as_it_is ? y : workspace;
  job.mask = as_it_is ? mask : nullptr;
  job.channels = shape.group_out();
  job.channel_stride = source.channel_stride();
  job.pitch = source.width;
  job.column_step = s;
  job.out_channel_stride = shape.height * shape.width;
  job.out_row_step = s * shape.width;
  job.bias = epilogue.bias;
  job.relu = epilogue.relu;
  // With stride 2 all phases run in one go: columns interleaved, rows while the source is in the cache.
  const std::int64_t columns_together = s == 2 && shape.width > 1 ? 2 : 1;
  const std::int64_t rows_together = s == 2 && shape.height > 1 ? 2 : 1;
  std::array<std::array<std::int64_t, ConvShape::kMaxTaps>, 4> offsets;
  for (std::int64_t u = 0; u < std::min(s, shape.height); u += rows_together) {
    for (std::int64_t v = 0; v < std::min(s, shape.width); v += columns_together) {
      Grids grids;
      grids.size = static_cast<int>(rows_together);
      TapColumns columns[2][2];
      std::int64_t panels[2][2] = {};
      for (std::int64_t r = 0; r < rows_together; ++r) {
        const Phase rows = scatter_phase(shape, shape.kernel_h, u + r);
        for (std::int64_t p = 0; p < columns_together; ++p) {
          const Phase cols = scatter_phase(shape, shape.kernel_w, v + p);
          std::int64_t* offset = offsets[static_cast<std::size_t>(2 * r + p)].data();
          for (std::int64_t a = 0; a < rows.taps; ++a) {
            const std::int64_t row = source.top + rows.shift - a * rows.shift_step;
            for (std::int64_t b = 0; b < cols.taps; ++b) {
              offset[a * cols.taps + b] = row * source.width + source.left + cols.shift - b * cols.shift_step;
            }
          }
          const std::int64_t taps = rows.taps * cols.taps;
          panels[r][p] = scatter_offsets_[static_cast<std::size_t>((u + r) * s + v + p)];
          columns[r][p] = {nullptr, nullptr, panels_of(shape.group_in()), offset, taps, divide_up(shape.width - v - p, s), v + p};
        }
        TapJob& mine = grids.job[r];
        mine = job;
        mine.width = columns[r][0].width;
        mine.columns = columns[r];
        mine.column_phases = static_cast<int>(columns_together);
        mine.out = x + (u + r) * shape.width;
        mine.residual = epilogue.residual != nullptr ? epilogue.residual + (u + r) * shape.width : nullptr;
        grids.places[r] = divide_up(shape.height - u - r, s) * mine.width;
      }
      for (std::int64_t g = 0; g < shape.groups; ++g) {
        Grids group = grids;
        for (std::int64_t r = 0; r < rows_together; ++r) {
          group.job[r] = group_job(grids.job[r], g, shape.group_out(), shape.group_in());
          for (std::int64_t p = 0; p < columns_together; ++p) {
            scatter_panels_.show(panels[r][p] + g * scatter_group_size(u + r, v + p), columns[r][p]);
          }
        }
        run_tiles(group, shape.group_in());
      }
    }
  }
}

}  // namespace likeness::kernels
