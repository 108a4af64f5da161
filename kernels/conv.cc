#include "kernels/conv.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include "base/parallel.hpp"
#include "kernels/tap_panel.hpp"

namespace likeness::kernels {
namespace {

constexpr std::int64_t kChunk = 576;             // flat places of one task: a multiple of every tile's width
constexpr std::int64_t kMinimumTasks = 8;        // a layer with fewer chunks is split by channels too
constexpr std::int64_t kTaskProducts = 1 << 16;  // unless its tasks would have fewer products than this
constexpr std::int64_t kCopyChunk = 1 << 14;

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// The padded source: `channels` x `phases` x `phases` planes of height x width;
// plane (c, u, v) [i, j] = from[c, step i + u - top, step j + v - left], zero outside and where mask <= 0.
struct Source {
  std::int64_t channels, phases, step, height, width, top, left;
  std::int64_t plane() const { return height * width; }
  std::int64_t channel_stride() const { return phases * phases * plane(); }
  std::int64_t size() const { return channels * channel_stride() + kSourceSlack; }
};

void copy_row(const float* from, const float* mask, std::int64_t from_width, std::int64_t first, std::int64_t step, std::int64_t width,
              float* to) {
  // Columns j with 0 <= first + step j < from_width.
  const std::int64_t begin = std::clamp<std::int64_t>(first >= 0 ? 0 : divide_up(-first, step), 0, width);
  const std::int64_t end = std::clamp<std::int64_t>(from_width > first ? divide_up(from_width - first, step) : 0, begin, width);
  std::fill(to, to + begin, 0.0F);
  const std::int64_t shift = first + begin * step;
  if (end > begin) copy_places(from + shift, mask != nullptr ? mask + shift : nullptr, step, end - begin, to + begin);
  std::fill(to + end, to + width, 0.0F);
}

void fill_source(const Source& s, const float* from, const float* mask, std::int64_t from_height, std::int64_t from_width, float* to) {
  const std::int64_t rows = std::max<std::int64_t>(1, kCopyChunk / (s.width * s.phases * s.phases));  // of one task
  parallel_for(divide_up(s.channels * s.height, rows), [&](std::int64_t task) {
    for (std::int64_t r = task * rows; r < std::min(s.channels * s.height, (task + 1) * rows); ++r) {
      const std::int64_t c = r / s.height;
      const std::int64_t i = r % s.height;
      for (std::int64_t u = 0; u < s.phases; ++u) {
        const std::int64_t row = s.step * i + u - s.top;
        for (std::int64_t v = 0; v < s.phases; ++v) {
          float* out = to + c * s.channel_stride() + ((u * s.phases + v) * s.height + i) * s.width;
          if (row < 0 || row >= from_height) {
            std::fill_n(out, s.width, 0.0F);
          } else {
            const std::int64_t offset = (c * from_height + row) * from_width;
            copy_row(from + offset, mask != nullptr ? mask + offset : nullptr, from_width, v - s.left, s.step, s.width, out);
          }
        }
      }
    }
  });
  std::fill_n(to + s.channels * s.channel_stride(), kSourceSlack, 0.0F);
}

// Runs the panels of `rows` output channels over `places` flat places, in tasks; job holds everything else.
// Panels of one column phase lie `panel_stride[p]` floats apart.
void run_panels(const TapJob& job, std::int64_t rows, std::int64_t places, const std::int64_t* panel_stride) {
  const std::int64_t panels = divide_up(rows, kPanelRows);
  const std::int64_t chunks = divide_up(places, kChunk);
  const std::int64_t products = places * rows * job.channels * job.columns[0].taps * job.column_phases;
  const std::int64_t groups = std::min({panels, divide_up(kMinimumTasks, chunks), 1 + products / kTaskProducts});
  parallel_for(chunks * groups, [&](std::int64_t task) {
    const std::int64_t chunk = task / groups;
    const std::int64_t group = task % groups;
    TapColumns columns[2];
    for (std::int64_t panel = panels * group / groups; panel < panels * (group + 1) / groups; ++panel) {
      TapJob mine = job;
      for (int p = 0; p < job.column_phases; ++p) {
        columns[p] = job.columns[p];
        columns[p].panel += panel * panel_stride[p];
      }
      mine.columns = columns;
      mine.rows = std::min(kPanelRows, rows - panel * kPanelRows);
      mine.out += panel * kPanelRows * job.out_channel_stride;
      if (mine.bias != nullptr) mine.bias += panel * kPanelRows;
      if (mine.residual != nullptr) mine.residual += panel * kPanelRows * job.out_channel_stride;
      mine.begin = chunk * kChunk;
      mine.end = std::min(places, mine.begin + kChunk);
      tap_panel(mine);
    }
  });
}

Source gather_source(const ConvShape& s) {
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

Source scatter_source(const ConvShape& s) {
  const Extent rows = scatter_extent(s, s.height, s.kernel_h);
  const Extent columns = scatter_extent(s, s.width, s.kernel_w);
  return {s.out, 1, 1, rows.size, columns.size, rows.before, columns.before};
}

// The job of group `group` of `channels` source channels and `rows` output channels each.
TapJob group_job(TapJob job, std::int64_t group, std::int64_t channels, std::int64_t rows) {
  job.source += group * channels * job.channel_stride;
  job.out += group * rows * job.out_channel_stride;
  if (job.residual != nullptr) job.residual += group * rows * job.out_channel_stride;
  if (job.bias != nullptr) job.bias += group * rows;
  return job;
}

}  // namespace

PackedConv::PackedConv(const ConvShape& shape, const float* weight) : packed_(shape) {
  const ConvShape& s = packed_;
  gather_panels_.assign(static_cast<std::size_t>(s.groups * divide_up(s.group_out(), kPanelRows) * gather_panel_size()), 0.0F);
  std::int64_t size = 0;
  for (std::int64_t u = 0; u < s.stride; ++u) {
    for (std::int64_t v = 0; v < s.stride; ++v) {
      scatter_offsets_.push_back(size);
      const std::int64_t taps = scatter_phase(s, s.kernel_h, u).taps * scatter_phase(s, s.kernel_w, v).taps;
      size += s.groups * divide_up(s.group_in(), kPanelRows) * s.group_out() * taps * kPanelRows;
    }
  }
  scatter_panels_.assign(static_cast<std::size_t>(size), 0.0F);
  pack(weight);
}

std::int64_t PackedConv::gather_panel_size() const { return packed_.group_in() * packed_.taps() * kPanelRows; }

std::int64_t PackedConv::gather_start(std::int64_t o) const {
  const std::int64_t row = o % packed_.group_out();
  const std::int64_t panel = o / packed_.group_out() * divide_up(packed_.group_out(), kPanelRows) + row / kPanelRows;
  return panel * gather_panel_size() + row % kPanelRows;
}

void PackedConv::pack(const float* weight) {
  const ConvShape& s = packed_;
  const std::int64_t per_channel = s.group_in() * s.taps();
  for (std::int64_t o = 0; o < s.out; ++o) {
    float* to = gather_panels_.data() + gather_start(o);
    for (std::int64_t k = 0; k < per_channel; ++k) to[k * kPanelRows] = weight[o * per_channel + k];
  }
  const std::int64_t panels = divide_up(s.group_in(), kPanelRows);
  for (std::int64_t u = 0; u < s.stride; ++u) {
    const Phase rows = scatter_phase(s, s.kernel_h, u);
    for (std::int64_t v = 0; v < s.stride; ++v) {
      const Phase columns = scatter_phase(s, s.kernel_w, v);
      const std::int64_t size = s.group_out() * rows.taps * columns.taps * kPanelRows;
      for (std::int64_t c = 0; c < s.in; ++c) {
        const std::int64_t group = c / s.group_in();
        const std::int64_t row = c % s.group_in();
        float* to = scatter_panels_.data() + scatter_offsets_[static_cast<std::size_t>(u * s.stride + v)] +
                    (group * panels + row / kPanelRows) * size + row % kPanelRows;
        for (std::int64_t o = group * s.group_out(); o < (group + 1) * s.group_out(); ++o) {
          const float* taps = weight + (o * s.group_in() + row) * s.taps();
          for (std::int64_t a = 0; a < rows.taps; ++a) {
            for (std::int64_t b = 0; b < columns.taps; ++b, to += kPanelRows) {
              *to = taps[(rows.first_tap + a * rows.tap_step) * s.kernel_w + columns.first_tap + b * columns.tap_step];
            }
          }
        }
      }
    }
  }
}

void PackedConv::unpack(float* weight) const {
  const std::int64_t per_channel = packed_.group_in() * packed_.taps();
  for (std::int64_t o = 0; o < packed_.out; ++o) {
    const float* from = gather_panels_.data() + gather_start(o);
    for (std::int64_t k = 0; k < per_channel; ++k) weight[o * per_channel + k] = from[k * kPanelRows];
  }
}

std::int64_t PackedConv::workspace(const ConvShape& shape) const {
  return std::max(gather_source(shape).size(), scatter_source(shape).size());
}

void PackedConv::gather(const ConvShape& shape, const float* x, const float* mask, const ConvEpilogue& epilogue, float* y,
                        float* workspace) const {
  const Source source = gather_source(shape);
  fill_source(source, x, mask, shape.height, shape.width, workspace);
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
  TapColumns columns{gather_panels_.data(), offsets.data(), shape.taps(), width, 0};
  TapJob job;
  job.source = workspace;
  job.channels = shape.group_in();
  job.channel_stride = source.channel_stride();
  job.pitch = source.width;
  job.columns = &columns;
  job.out = y;
  job.out_channel_stride = height * width;
  job.out_row_step = width;
  job.bias = epilogue.bias;
  job.residual = epilogue.residual;
  job.relu = epilogue.relu;
  const std::int64_t panel_stride = gather_panel_size();
  for (std::int64_t g = 0; g < shape.groups; ++g) {
    columns.panel = gather_panels_.data() + g * divide_up(shape.group_out(), kPanelRows) * panel_stride;
    run_panels(group_job(job, g, shape.group_in(), shape.group_out()), shape.group_out(), (height - 1) * source.width + width,
               &panel_stride);
  }
}

void PackedConv::scatter(const ConvShape& shape, const float* y, const float* mask, const ConvEpilogue& epilogue, float* x,
                         float* workspace) const {
  const Source source = scatter_source(shape);
  fill_source(source, y, mask, shape.out_height(), shape.out_width(), workspace);
  const std::int64_t s = shape.stride;
  std::array<std::array<std::int64_t, ConvShape::kMaxTaps>, 2> offsets;
  for (std::int64_t u = 0; u < std::min(s, shape.height); ++u) {
    const Phase rows = scatter_phase(shape, shape.kernel_h, u);
    const std::int64_t grid_height = divide_up(shape.height - u, s);
    const std::int64_t together = s == 2 && shape.width > 1 ? 2 : 1;  // column phases that one job interleaves
    for (std::int64_t v = 0; v < std::min(s, shape.width); v += together) {
      TapColumns columns[2];
      const float* panels[2] = {nullptr, nullptr};
      std::int64_t panel_stride[2] = {0, 0};
      for (std::int64_t p = 0; p < together; ++p) {
        const Phase cols = scatter_phase(shape, shape.kernel_w, v + p);
        std::int64_t* offset = offsets[static_cast<std::size_t>(p)].data();
        for (std::int64_t a = 0; a < rows.taps; ++a) {
          const std::int64_t row = source.top + rows.shift - a * rows.shift_step;
          for (std::int64_t b = 0; b < cols.taps; ++b) {
            offset[a * cols.taps + b] = row * source.width + source.left + cols.shift - b * cols.shift_step;
          }
        }
        const std::int64_t taps = rows.taps * cols.taps;
        panels[p] = scatter_panels_.data() + scatter_offsets_[static_cast<std::size_t>(u * s + v + p)];
        columns[p] = {panels[p], offset, taps, divide_up(shape.width - v - p, s), v + p};
        panel_stride[p] = shape.group_out() * taps * kPanelRows;
      }
      TapJob job;
      job.source = workspace;
      job.channels = shape.group_out();
      job.channel_stride = source.channel_stride();
      job.pitch = source.width;
      job.columns = columns;
      job.column_phases = static_cast<int>(together);
      job.column_step = s;
      job.out = x + u * shape.width;
      job.out_channel_stride = shape.height * shape.width;
      job.out_row_step = s * shape.width;
      job.bias = epilogue.bias;
      job.residual = epilogue.residual != nullptr ? epilogue.residual + u * shape.width : nullptr;
      job.relu = epilogue.relu;
      for (std::int64_t g = 0; g < shape.groups; ++g) {
        for (std::int64_t p = 0; p < together; ++p) {
          columns[p].panel = panels[p] + g * divide_up(shape.group_in(), kPanelRows) * panel_stride[p];
        }
        run_panels(group_job(job, g, shape.group_out(), shape.group_in()), shape.group_in(),
                   (grid_height - 1) * source.width + columns[0].width, panel_stride);
      }
    }
  }
}

}  // namespace likeness::kernels
