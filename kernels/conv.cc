#include "kernels/conv.hpp"

#include <algorithm>

#include "base/parallel.hpp"
#include "kernels/tap_panel.hpp"

namespace likeness::kernels {
namespace {

constexpr std::int64_t kChunk = 576;       // flat places of one task: a multiple of every tile's width
constexpr std::int64_t kMinimumTasks = 8;  // a layer with fewer chunks is split by channels too
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
  const std::int64_t blocks = divide_up(s.height, rows);
  parallel_for(s.channels * blocks, [&](std::int64_t task) {
    const std::int64_t c = task / blocks;
    const std::int64_t first_row = task % blocks * rows;
    const std::int64_t last_row = std::min(s.height, first_row + rows);
    for (std::int64_t u = 0; u < s.phases; ++u) {
      for (std::int64_t i = first_row; i < last_row; ++i) {
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
  const std::int64_t groups = std::min(panels, divide_up(kMinimumTasks, chunks));
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
      mine.begin = chunk * kChunk;
      mine.end = std::min(places, mine.begin + kChunk);
      tap_panel(mine);
    }
  });
}

Source gather_source(const ConvShape& s) {
  const std::int64_t phases = std::min(s.stride, std::max(s.kernel_h, s.kernel_w));
  return {s.in,      phases,   s.stride, s.out_height() + (s.kernel_h - 1) / s.stride, s.out_width() + (s.kernel_w - 1) / s.stride,
          s.padding, s.padding};
}

// Rows (columns) of y before the first and the extent needed so that every phase finds its taps.
struct Extent {
  std::int64_t before, size;
};

Extent scatter_extent(const ConvShape& s, std::int64_t x_size, std::int64_t kernel) {
  // Output s i + r with tap number m reads y[i + (r + p) / s - m].
  const std::int64_t most_taps = divide_up(kernel, s.stride);
  const std::int64_t before = std::max<std::int64_t>(0, most_taps - 1 - s.padding / s.stride);
  const std::int64_t last = (x_size - 1 + s.padding) / s.stride;  // largest i + shift over all phases
  return {before, before + last + 1};
}

Source scatter_source(const ConvShape& s) {
  const Extent rows = scatter_extent(s, s.height, s.kernel_h);
  const Extent columns = scatter_extent(s, s.width, s.kernel_w);
  return {s.out, 1, 1, rows.size, columns.size, rows.before, columns.before};
}

}  // namespace

PackedConv::Phase PackedConv::phase(std::int64_t r, std::int64_t kernel) const {
  const std::int64_t first = (r + packed_.padding) % packed_.stride;
  return {first, first < kernel ? divide_up(kernel - first, packed_.stride) : 0, (r + packed_.padding) / packed_.stride};
}

PackedConv::PackedConv(const ConvShape& shape, const float* weight) : packed_(shape) {
  const ConvShape& s = packed_;
  const std::int64_t taps = s.kernel_h * s.kernel_w;
  gather_panels_.assign(static_cast<std::size_t>(divide_up(s.out, kPanelRows) * s.in * taps * kPanelRows), 0.0F);
  for (std::int64_t o = 0; o < s.out; ++o) {
    float* panel = gather_panels_.data() + o / kPanelRows * s.in * taps * kPanelRows + o % kPanelRows;
    for (std::int64_t k = 0; k < s.in * taps; ++k) panel[k * kPanelRows] = weight[o * s.in * taps + k];
  }
  for (std::int64_t u = 0; u < s.stride; ++u) {
    const Phase rows = phase(u, s.kernel_h);
    for (std::int64_t v = 0; v < s.stride; ++v) {
      const Phase columns = phase(v, s.kernel_w);
      const std::int64_t count = rows.taps * columns.taps;
      const std::size_t start = scatter_panels_.size();
      scatter_offsets_.push_back(static_cast<std::int64_t>(start));
      scatter_panels_.resize(start + static_cast<std::size_t>(divide_up(s.in, kPanelRows) * s.out * count * kPanelRows), 0.0F);
      for (std::int64_t c = 0; c < s.in; ++c) {
        float* to = scatter_panels_.data() + start + c / kPanelRows * s.out * count * kPanelRows + c % kPanelRows;
        for (std::int64_t o = 0; o < s.out; ++o) {
          for (std::int64_t a = 0; a < rows.taps; ++a) {
            for (std::int64_t b = 0; b < columns.taps; ++b, to += kPanelRows) {
              *to = weight[((o * s.in + c) * s.kernel_h + rows.first_tap + a * s.stride) * s.kernel_w + columns.first_tap + b * s.stride];
            }
          }
        }
      }
    }
  }
}

std::int64_t PackedConv::workspace(const ConvShape& shape) const {
  return std::max(gather_source(shape).size(), scatter_source(shape).size());
}

void PackedConv::gather(const ConvShape& shape, const float* x, const float* mask, const float* bias, bool relu, float* y,
                        float* workspace) const {
  const Source source = gather_source(shape);
  fill_source(source, x, mask, shape.height, shape.width, workspace);
  const std::int64_t s = shape.stride;
  std::vector<std::int64_t> offsets;
  for (std::int64_t u = 0; u < shape.kernel_h; ++u) {
    for (std::int64_t v = 0; v < shape.kernel_w; ++v) {
      offsets.push_back((u % s * source.phases + v % s) * source.plane() + u / s * source.width + v / s);
    }
  }
  const auto taps = static_cast<std::int64_t>(offsets.size());
  const std::int64_t height = shape.out_height();
  const std::int64_t width = shape.out_width();
  const TapColumns columns{gather_panels_.data(), offsets.data(), taps, width, 0};
  TapJob job;
  job.source = workspace;
  job.channels = shape.in;
  job.channel_stride = source.channel_stride();
  job.pitch = source.width;
  job.columns = &columns;
  job.out = y;
  job.out_channel_stride = height * width;
  job.out_row_step = width;
  job.bias = bias;
  job.relu = relu;
  const std::int64_t panel_stride = shape.in * taps * kPanelRows;
  run_panels(job, shape.out, (height - 1) * source.width + width, &panel_stride);
}

void PackedConv::scatter(const ConvShape& shape, const float* y, const float* mask, const float* bias, bool relu, float* x,
                         float* workspace) const {
  const Source source = scatter_source(shape);
  fill_source(source, y, mask, shape.out_height(), shape.out_width(), workspace);
  const std::int64_t s = shape.stride;
  for (std::int64_t u = 0; u < std::min(s, shape.height); ++u) {
    const Phase rows = phase(u, shape.kernel_h);
    const std::int64_t grid_height = divide_up(shape.height - u, s);
    const std::int64_t together = s == 2 && shape.width > 1 ? 2 : 1;  // column phases that one job interleaves
    for (std::int64_t v = 0; v < std::min(s, shape.width); v += together) {
      std::vector<std::int64_t> offsets[2];
      TapColumns columns[2];
      std::int64_t panel_stride[2] = {0, 0};
      for (std::int64_t p = 0; p < together; ++p) {
        const Phase cols = phase(v + p, shape.kernel_w);
        for (std::int64_t a = 0; a < rows.taps; ++a) {
          for (std::int64_t b = 0; b < cols.taps; ++b) {
            offsets[p].push_back((source.top + rows.shift - a) * source.width + source.left + cols.shift - b);
          }
        }
        const auto taps = static_cast<std::int64_t>(offsets[p].size());
        const float* panels = scatter_panels_.data() + scatter_offsets_[static_cast<std::size_t>(u * s + v + p)];
        columns[p] = {panels, offsets[p].data(), taps, divide_up(shape.width - v - p, s), v + p};
        panel_stride[p] = shape.out * taps * kPanelRows;
      }
      TapJob job;
      job.source = workspace;
      job.channels = shape.out;
      job.channel_stride = source.channel_stride();
      job.pitch = source.width;
      job.columns = columns;
      job.column_phases = static_cast<int>(together);
      job.column_step = s;
      job.out = x + u * shape.width;
      job.out_channel_stride = shape.height * shape.width;
      job.out_row_step = s * shape.width;
      job.bias = bias;
      job.relu = relu;
      run_panels(job, shape.in, (grid_height - 1) * source.width + columns[0].width, panel_stride);
    }
  }
}

}  // namespace likeness::kernels
