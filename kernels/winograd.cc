#include "kernels/winograd.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>

#include "base/parallel.hpp"
#include "kernels/conv_tiles.hpp"
#include "kernels/winograd_simd.hpp"

namespace likeness::kernels {
namespace {

// Fewer channels do not repay the transforms. More filters (in x out) would be read from memory for longer than the products saved take:
// transformed, those of 3 x 3 are 1.8 times as many numbers, those of 4 x 4 four times.
constexpr std::int64_t kLeastChannels = 16;
constexpr std::int64_t kMostFilters3x3 = 1 << 18, kMostFilters4x4 = 1 << 17;
constexpr std::int64_t kLeastWindows = 16;
constexpr std::int64_t kWorkers = 8;  // each with scratch memory of its own: more threads do not help
constexpr std::int64_t kWantedTasks = 8;
constexpr std::int64_t kMostBlocksAhead = 8;

bool is_3x3(const ConvShape& s) { return s.kernel_h == 3 && s.kernel_w == 3 && s.stride == 1 && s.padding <= 2; }
bool is_4x4(const ConvShape& s) { return s.kernel_h == 4 && s.kernel_w == 4 && s.stride == 2 && s.padding == 1; }

using Lanes = std::array<double, kPanelRows>;  // a number of each row of a panel

// Along one axis. The outputs of a second phase begin one place later.
std::int64_t windows(std::int64_t outputs, bool one_phase, std::int64_t step) {
  return one_phase ? divide_up(outputs, step) : divide_up(divide_up(outputs, 2) + 1, step);
}

// G g along one axis: four numbers of two or three, `step` apart.
void transform_taps(const Lanes* g, std::int64_t taps, Lanes* to, std::int64_t step) {
  for (std::size_t row = 0; row < kPanelRows; ++row) {
    const double last = taps == 3 ? g[2][row] : 0;
    const double even = g[0][row] + last;
    const double odd = g[1][row];
    to[0][row] = g[0][row];
    to[step][row] = (even + odd) / 2;
    to[2 * step][row] = (even - odd) / 2;
    to[3 * step][row] = taps == 3 ? last : odd;
  }
}

}  // namespace

bool Winograd::takes(const ConvShape& s) { return s.dilation == 1 && s.groups == 1 && (is_3x3(s) || is_4x4(s)); }

bool Winograd::gains(const ConvShape& s) {
  return std::min(s.in, s.out) >= kLeastChannels && s.in * s.out <= (s.stride == 1 ? kMostFilters3x3 : kMostFilters4x4);
}

Winograd::Winograd(const ConvShape& s, bool gather)
    : gather_(gather),
      channels_(gather ? s.in : s.out),
      rows_(gather ? s.out : s.in),
      taps_(s.stride == 1 ? 3 : 2),
      step_(s.stride == 1 ? 2 : 3),
      in_phases_(gather ? s.stride : 1),
      out_phases_(gather ? 1 : s.stride),
      // The picture's padding; backwards, what the first output's last tap lies before the first place.
      before_(gather || s.stride == 2 ? s.padding : 2 - s.padding),
      depth_(channels_ * in_phases_ * in_phases_),
      panel_count_(divide_up(rows_, kPanelRows) * out_phases_ * out_phases_),
      panels_(static_cast<std::size_t>(kWindowPoints * panel_count_ * depth_ * kPanelRows)) {}

void Winograd::pack(const float* weight) {
  const std::int64_t kernel = taps_ * in_phases_ * out_phases_;
  const std::int64_t stride = in_phases_ * out_phases_;
  const std::int64_t phases = stride * stride;
  // Backwards the taps come last first; those of phase r are r + 1 (mod 2), as padding is 1.
  const auto tap = [&](std::int64_t n, std::int64_t r) {
    return gather_ ? r + stride * n : (stride == 1 ? 0 : 1 - r) + stride * (taps_ - 1 - n);
  };
  // From one row's filter of a channel to the next row's.
  const std::int64_t row_step = (gather_ ? channels_ : 1) * kernel * kernel;
  const auto pack_panel = [&](std::int64_t rows_panel, std::int64_t channel, std::int64_t phase) {
    const std::int64_t first = rows_panel * kPanelRows, rows = std::min(kPanelRows, rows_ - first);
    const float* filters = weight + (gather_ ? first * channels_ + channel : channel * rows_ + first) * kernel * kernel;
    Lanes half[3][4], points[kWindowPoints], row_taps[3];
    for (std::int64_t v = 0; v < taps_; ++v) {
      Lanes column[3] = {};
      for (std::int64_t u = 0; u < taps_; ++u) {
        const float* from = filters + tap(u, phase / stride) * kernel + tap(v, phase % stride);
        for (std::int64_t row = 0; row < rows; ++row) column[u][static_cast<std::size_t>(row)] = static_cast<double>(from[row * row_step]);
      }
      transform_taps(column, taps_, half[v], 1);
    }
    for (std::int64_t a = 0; a < 4; ++a) {
      for (std::int64_t v = 0; v < taps_; ++v) row_taps[v] = half[v][a];
      transform_taps(row_taps, taps_, points + 4 * a, 1);
    }
    const std::int64_t panel = gather_ ? rows_panel : rows_panel * phases + phase;
    const std::int64_t k = gather_ ? channel * phases + phase : channel;
    for (std::int64_t p = 0; p < kWindowPoints; ++p) {
      float* to = panels_.data() + panel_place(depth_, kWindowPoints * panel_count_, p * panel_count_ + panel, k);
      for (std::size_t row = 0; row < kPanelRows; ++row) to[row] = static_cast<float>(points[p][row]);
    }
  };
  parallel_for(divide_up(rows_, kPanelRows), [&](std::int64_t panel) {
    for (std::int64_t channel = 0; channel < channels_; ++channel) {
      for (std::int64_t phase = 0; phase < phases; ++phase) pack_panel(panel, channel, phase);
    }
  });
}

Winograd::Tasks Winograd::tasks(const ConvShape& s) const {
  Tasks t;
  t.wide = windows(gather_ ? s.out_width() : s.width, out_phases_ == 1, step_);
  t.windows = t.wide * windows(gather_ ? s.out_height() : s.height, out_phases_ == 1, step_);
  t.blocks = divide_up(t.windows, kWindowPlaces);
  const std::int64_t panels = panel_count_ / (out_phases_ * out_phases_);
  t.groups = std::min(panels, std::max(divide_up(panel_count_, kWindowPanels), divide_up(kWantedTasks, t.blocks)));
  // Where several groups of panels would transform the same few windows, that is done once, ahead.
  t.ahead = t.groups > 2 && t.blocks <= kMostBlocksAhead;
  t.depth_blocks = divide_up(depth_, kWindowDepth);
  return t;
}

bool Winograd::pays(const ConvShape& s, bool gather) {
  const auto along = [&](std::int64_t y, std::int64_t x) {
    return windows(gather ? y : x, gather || s.stride == 1, s.stride == 1 ? 2 : 3);
  };
  return along(s.out_height(), s.height) * along(s.out_width(), s.width) >= kLeastWindows;
}

std::int64_t Winograd::workspace(const ConvShape& s) const {
  const Tasks t = tasks(s);
  return 16 + std::min(kWorkers, t.blocks * t.groups) * kWindowScratch + (t.ahead ? t.blocks * t.depth_blocks * kTransformed : 0);
}

void Winograd::run(const ConvShape& s, const float* from, const float* mask, const ConvEpilogue& epilogue, float* to,
                   float* workspace) const {
  WindowJob job;
  job.from = from;
  job.mask = mask;
  job.channels = channels_;
  job.height = gather_ ? s.height : s.out_height();
  job.width = gather_ ? s.width : s.out_width();
  job.before = before_;
  job.in_phases = static_cast<int>(in_phases_ * in_phases_);
  job.panels = panels_.data();
  job.panel_count = panel_count_;
  job.step = static_cast<int>(step_);
  job.out_phases = static_cast<int>(out_phases_);
  job.out_height = gather_ ? s.out_height() : s.height;
  job.out_width = gather_ ? s.out_width() : s.width;
  job.out_channel_stride = job.out_height * job.out_width;
  job.relu = epilogue.relu;

  const Tasks t = tasks(s);
  job.tiles_wide = t.wide;
  const std::int64_t phases = out_phases_ * out_phases_;
  const std::int64_t panels = panel_count_ / phases;
  const std::int64_t vectors = divide_up(t.windows, kVectorPlaces);
  const std::uintptr_t begin = reinterpret_cast<std::uintptr_t>(workspace);
  float* scratch = workspace + static_cast<std::int64_t>((64 - begin % 64) % 64 / sizeof(float));
  const std::int64_t workers = std::min(t.blocks * t.groups, kWorkers);
  float* transformed = scratch + workers * kWindowScratch;
  const auto block_job = [&](std::int64_t block) {
    WindowJob mine = job;
    mine.first = vectors * block / t.blocks * kVectorPlaces;
    mine.last = std::min(t.windows, vectors * (block + 1) / t.blocks * kVectorPlaces);
    if (t.ahead) mine.windows = transformed + block * t.depth_blocks * kTransformed;
    return mine;
  };
  if (t.ahead) {
    parallel_for(t.blocks * t.depth_blocks, [&](std::int64_t task) {
      WindowJob mine = block_job(task / t.depth_blocks);
      mine.begin = task % t.depth_blocks * kWindowDepth;
      mine.end = std::min(depth_, mine.begin + kWindowDepth);
      transform_windows(mine);
    });
  }
  std::atomic<std::int64_t> next = 0;
  parallel_for(workers, [&](std::int64_t worker) {
    for (std::int64_t task = next++; task < t.blocks * t.groups; task = next++) {
      WindowJob mine = block_job(task / t.groups);
      const std::int64_t group = task % t.groups;
      const std::int64_t panel = panels * group / t.groups;
      const std::int64_t row = panel * kPanelRows;
      mine.scratch = scratch + worker * kWindowScratch;
      mine.first_panel = panel * phases;
      mine.rows = std::min(rows_, panels * (group + 1) / t.groups * kPanelRows) - row;
      mine.out = to + row * job.out_channel_stride;
      mine.bias = epilogue.bias == nullptr ? nullptr : epilogue.bias + row;
      mine.residual = epilogue.residual == nullptr ? nullptr : epilogue.residual + row * job.out_channel_stride;
      run_windows(mine);
    }
  });
}

}  // namespace likeness::kernels
