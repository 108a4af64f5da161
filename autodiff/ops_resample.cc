// Maps that act on rows and columns separately (resizing, average pooling, padding): forward and gradient side by side.
// Formulas: likeness/autodiff.hpp.
#include <algorithm>

#include "autodiff/dimensions.hpp"
#include "autodiff/operation.hpp"
#include "kernels/axis_map.hpp"

namespace likeness {
namespace {

using kernels::AxisMap;
using kernels::PoolAxis;

// y = R x C^T, and dx = R^T dy C: one map with its tables turned round.
template <class T>
Var<T> record_axes(Op<T>& op, const Shape& x, const AxisMap& rows, const AxisMap& columns) {
  struct Maps {
    AxisMap rows, columns, rows_back, columns_back;
    std::int64_t planes;
  };
  const Shape shape({x[0], x[1], rows.outputs, columns.outputs});
  const std::int64_t planes = Planes(x).count();
  const auto m = std::make_shared<const Maps>(Maps{rows, columns, rows.transposed(), columns.transposed(), planes});
  const std::int64_t workspace =
      std::max(kernels::axes_workspace(m->rows, m->columns, planes), kernels::axes_workspace(m->rows_back, m->columns_back, planes));
  // A multiply-add for each term of the columns' table in every row of x, then of the rows' table in every column of y.
  const double flops = 2.0 * static_cast<double>(planes) *
                       (static_cast<double>(x[2]) * static_cast<double>(columns.index.size()) +
                        static_cast<double>(columns.outputs) * static_cast<double>(rows.index.size()));
  return op.record(
      {.shape = shape, .workspace = workspace, .flops = flops},
      [m](Forward<T>& f) { kernels::apply_axes(m->rows, m->columns, f.x(0), m->planes, f.y(), f.workspace()); },
      [m](Backward<T>& b) {
        b.into(0, [&](T* dx) { kernels::apply_axes(m->rows_back, m->columns_back, b.dy(), m->planes, dx, b.workspace()); });
      });
}

kernels::PadMode mode_of(PadMode mode) {
  switch (mode) {
    case PadMode::zeros:
      return kernels::PadMode::zeros;
    case PadMode::replicate:
      return kernels::PadMode::replicate;
    case PadMode::reflect:
      return kernels::PadMode::reflect;
  }
  return kernels::PadMode::zeros;
}

}  // namespace

template <class T>
Var<T> resize_bilinear(Var<T> x, std::int64_t height, std::int64_t width, const ResizeOptions& options) {
  Op<T> op("resize_bilinear", {x});
  if (!op.ok()) return op.failed();
  const Shape shape = x.shape();
  if (const std::string error = target_error(shape, "resize", height, width); !error.empty()) return op.fail(error);
  if (options.align_corners && options.antialias) return op.fail("align_corners and antialias exclude each other");
  const auto axis = [&](std::int64_t from, std::int64_t to) {
    return options.antialias ? AxisMap::antialiased(from, to) : AxisMap::bilinear(from, to, options.align_corners);
  };
  return record_axes(op, shape, axis(shape[2], height), axis(shape[3], width));
}

template <class T>
Var<T> avg_pool2d(Var<T> x, int kernel, int stride, int padding, bool count_include_pad) {
  Op<T> op("avg_pool2d", {x});
  if (!op.ok()) return op.failed();
  const Shape shape = x.shape();
  if (const std::string error = window_error(shape, kernel, stride, padding); !error.empty()) return op.fail(error);
  const auto axis = [&](std::int64_t size) { return AxisMap::average(PoolAxis::window(size, kernel, stride, padding), count_include_pad); };
  return record_axes(op, shape, axis(shape[2]), axis(shape[3]));
}

template <class T>
Var<T> adaptive_avg_pool2d(Var<T> x, std::int64_t height, std::int64_t width) {
  Op<T> op("adaptive_avg_pool2d", {x});
  if (!op.ok()) return op.failed();
  const Shape shape = x.shape();
  if (const std::string error = target_error(shape, "pool", height, width); !error.empty()) return op.fail(error);
  return record_axes(op, shape, AxisMap::average(PoolAxis::adaptive(shape[2], height)),
                     AxisMap::average(PoolAxis::adaptive(shape[3], width)));
}

template <class T>
Var<T> pad2d(Var<T> x, const Padding& padding, PadMode mode) {
  Op<T> op("pad2d", {x});
  if (!op.ok()) return op.failed();
  const Shape shape = x.shape();
  if (shape.rank() != 4) return op.fail("x is [N, C, H, W], not " + shape.text());
  if (std::min({padding.left, padding.right, padding.top, padding.bottom}) < 0) return op.fail("needs padding >= 0");
  if (mode == PadMode::reflect &&
      (std::max(padding.top, padding.bottom) >= shape[2] || std::max(padding.left, padding.right) >= shape[3])) {
    return op.fail("a reflection is narrower than the picture " + shape.text());
  }
  return record_axes(op, shape, AxisMap::padding(shape[2], padding.top, padding.bottom, mode_of(mode)),
                     AxisMap::padding(shape[3], padding.left, padding.right, mode_of(mode)));
}

#define LIKENESS_INSTANTIATE(T)                                                              \
  template Var<T> resize_bilinear(Var<T>, std::int64_t, std::int64_t, const ResizeOptions&); \
  template Var<T> avg_pool2d(Var<T>, int, int, int, bool);                                   \
  template Var<T> adaptive_avg_pool2d(Var<T>, std::int64_t, std::int64_t);                   \
  template Var<T> pad2d(Var<T>, const Padding&, PadMode);
LIKENESS_FOR_EACH_NUMBER(LIKENESS_INSTANTIATE)

}  // namespace likeness
