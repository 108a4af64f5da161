// No kernel allocates: whoever owns the memory plan owns all of the memory.
#include <gtest/gtest.h>

#include "allocation_counter.hpp"
#include "kernels/axis_map.hpp"
#include "kernels/conv.hpp"
#include "kernels/conv_ref.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/group_norm.hpp"
#include "kernels/pool.hpp"
#include "kernels/softmax.hpp"
#include "kernels_support.hpp"

namespace likeness {
namespace {

class Allocation : public testing::Test {
 protected:
  template <class Body>
  void expect_none(const char* name, Body&& body) {
    const std::size_t before = test::allocations();
    body();
    const std::size_t made = test::allocations() - before;
    EXPECT_EQ(made, 0U) << name;
  }

  const test::ThreadRunner serial_{1};
  test::Random random_{1};
};

TEST_F(Allocation, IsCounted) {
  const std::size_t before = test::allocations();
  const std::vector<float> one(1);
  EXPECT_EQ(test::allocations() - before, 1U);
}

TEST_F(Allocation, NoneInConvolutions) {
  const kernels::ConvShape shapes[] = {{16, 24, 33, 31, 4, 4, 2, 1}, {3, 8, 40, 40, 7, 7, 3, 3, 2}, {12, 36, 9, 9, 3, 3, 1, 2, 2, 6}};
  for (const kernels::ConvShape& s : shapes) {
    auto x = random_.reals(s.x_size());
    auto y = random_.reals(s.y_size());
    const auto weight = random_.reals(s.weight_size());
    auto dweight = weight;
    for (const Precision precision : {Precision::fp32, Precision::bf16}) {
      kernels::PackedConv packed(s, random_.reals(s.weight_size()).data(), precision);
      std::vector<float> workspace(static_cast<std::size_t>(packed.workspace(s)));
      expect_none("gather", [&] { packed.gather(s, x.data(), x.data(), {nullptr, y.data(), true}, y.data(), workspace.data()); });
      expect_none("scatter", [&] { packed.scatter(s, y.data(), y.data(), {nullptr, x.data(), true}, x.data(), workspace.data()); });
      expect_none("pack", [&] { packed.pack(weight.data()), packed.unpack(dweight.data()); });
    }
    expect_none("reference", [&] {
      kernels::reference::conv_gather<float>(s, x.data(), weight.data(), nullptr, y.data());
      kernels::reference::conv_scatter<float>(s, y.data(), weight.data(), nullptr, x.data());
      kernels::reference::conv_weight_gradient<float>(s, x.data(), y.data(), dweight.data(), 0, s.out);
    });
  }
}

TEST_F(Allocation, NoneInElementwise) {
  constexpr std::int64_t n = 200001;  // many tasks
  const auto a = random_.reals(n);
  const auto b = random_.reals(n);
  auto y = random_.reals(n);
  expect_none("maps", [&] {
    kernels::relu(a.data(), y.data(), n);
    kernels::relu_gradient(a.data(), b.data(), y.data(), n);
    kernels::leaky_relu(a.data(), 0.1, y.data(), n);
    kernels::leaky_relu_gradient(a.data(), b.data(), 0.1, y.data(), n);
    kernels::sigmoid(a.data(), y.data(), n);
    kernels::sigmoid_gradient(a.data(), b.data(), y.data(), n);
    kernels::silu(a.data(), y.data(), n);
    kernels::silu_gradient(a.data(), b.data(), y.data(), n);
    kernels::tanh(a.data(), y.data(), n);
    kernels::tanh_gradient(a.data(), b.data(), y.data(), n);
    kernels::add(a.data(), b.data(), y.data(), n);
    kernels::subtract(a.data(), b.data(), y.data(), n);
    kernels::multiply(a.data(), b.data(), y.data(), n);
    kernels::divide(a.data(), b.data(), y.data(), n);
    kernels::add_relu(a.data(), b.data(), y.data(), n);
    kernels::scale_shift(a.data(), 1.0F, 2.0F, y.data(), n);
  });
  expect_none("distances", [&] {
    double sum = kernels::dot(a.data(), b.data(), n);
    sum += kernels::l1_sum(a.data(), b.data(), b.data(), n);
    sum += kernels::l2_sum(a.data(), b.data(), nullptr, n);
    sum += kernels::smooth_l1_sum(a.data(), b.data(), b.data(), 0.5, n);
    y[0] = static_cast<float>(sum);
    kernels::l1_gradient(a.data(), b.data(), b.data(), 0.5F, y.data(), n);
    kernels::l2_gradient(a.data(), b.data(), nullptr, 0.5F, y.data(), n);
    kernels::smooth_l1_gradient(a.data(), b.data(), b.data(), 0.5, 0.5F, y.data(), n);
  });
  expect_none("matvec", [&] {
    kernels::matvec(a.data(), b.data(), b.data() + 4000, 40, 4000, y.data());
    kernels::matvec_transposed(a.data(), b.data(), 40, 4000, y.data());
  });
}

TEST_F(Allocation, NoneInTheRest) {
  const kernels::AxisMap rows = kernels::AxisMap::bilinear(30, 50);
  const kernels::AxisMap columns = kernels::AxisMap::antialiased(40, 20);
  const auto x = random_.reals(2 * 30 * 40);
  auto y = random_.reals(2 * 50 * 20);
  auto dx = x;
  std::vector<float> workspace(static_cast<std::size_t>(kernels::axes_workspace(rows, columns, 2)));
  expect_none("apply_axes", [&] { kernels::apply_axes(rows, columns, x.data(), 2, y.data(), workspace.data()); });
  const kernels::PoolShape pool{2, kernels::PoolAxis::window(30, 3, 2, 1), kernels::PoolAxis::adaptive(40, 7)};
  const kernels::PoolShape strided{2, pool.rows, kernels::PoolAxis::window(40, 3, 2, 1)};
  expect_none("max_pool", [&] {
    kernels::max_pool(pool, x.data(), x.data(), y.data());
    kernels::max_pool_gradient(pool, x.data(), y.data(), dx.data());
    kernels::max_pool(strided, x.data(), x.data(), y.data());
    kernels::max_pool(strided, x.data(), dx.data(), y.data());
    kernels::max_pool_gradient(strided, x.data(), y.data(), dx.data());
  });
  const kernels::GroupNormShape norm{2, 6, 200, 3, 1e-5};
  std::vector<float> affine(12, 1.0F);
  expect_none("group_norm", [&] {
    kernels::group_norm(norm, x.data(), affine.data(), affine.data(), dx.data());
    kernels::group_norm_gradient(norm, x.data(), affine.data(), x.data(), dx.data(), affine.data(), affine.data() + 6);
  });
  const kernels::MiddleShape middle{4, 6, 100};
  const std::vector<std::int32_t> labels(400, 2);
  expect_none("reductions", [&] {
    kernels::sum_middle(middle, x.data(), 1.0F, y.data());
    kernels::repeat_middle(middle, y.data(), 1.0F, dx.data());
    kernels::softmax(middle, x.data(), 1.0, dx.data());
    kernels::softmax_gradient(middle, dx.data(), x.data(), 1.0, dx.data());
    y[0] = static_cast<float>(kernels::cross_entropy(middle, x.data(), labels.data(), 255));
    kernels::cross_entropy_gradient(middle, x.data(), labels.data(), 255, 1.0F, dx.data());
    kernels::StridedShape copy;
    copy.size = {1, 1, 1, 2, 30, 40};
    copy.from = {0, 0, 0, 1200, 40, 1};
    copy.to = {0, 0, 0, 1200, 1, 30};
    kernels::strided_copy(copy, x.data(), dx.data());
  });
}

}  // namespace
}  // namespace likeness
