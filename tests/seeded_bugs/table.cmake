# The bugs that the suite has to find. seeded_bug(FILE WHAT RIGHT SEEDED): RIGHT occurs once in FILE; SEEDED stands there in the
# mutated copy, with @BUG@ true where this bug is switched on. Bugs are numbered in the order of this table, from 1.

# Formulas of gradients.
seeded_bug(kernels/elementwise_ref.hpp "SiLU' = s (1 + x s) instead of s (1 + x (1 - s))"
  [=[dx[i] = dy[i] * s * (T(1) + x[i] * (T(1) - s));]=]
  [=[dx[i] = dy[i] * s * (T(1) + x[i] * (@BUG@ ? s : T(1) - s));]=])
seeded_bug(kernels/elementwise_ref.hpp "tanh' = 1 - y instead of 1 - y^2"
  [=[dx[i] = dy[i] * (T(1) - y[i] * y[i]);]=]
  [=[dx[i] = dy[i] * (T(1) - y[i] * (@BUG@ ? T(1) : y[i]));]=])
seeded_bug(autodiff/ops_arithmetic.cc "quotient rule: the divisor is not squared"
  [=[-dy * x / (z * z)]=]
  [=[-dy * x / (@BUG@ ? z : z * z)]=])
seeded_bug(kernels/reduce.hpp "softmax: the sum over the classes is dropped"
  [=[T(beta) * y[at + k * s.inner] * (dy[at + k * s.inner] - static_cast<T>(sum));]=]
  [=[T(beta) * y[at + k * s.inner] * (dy[at + k * s.inner] - (@BUG@ ? T(0) : static_cast<T>(sum)));]=])
seeded_bug(kernels/group_norm.hpp "group norm: variance with N - 1 for N"
  [=[sqrt(squares / count + W(s.eps))]=]
  [=[sqrt(squares / (@BUG@ && s.group_size() > 1 ? count - W(1) : count) + W(s.eps))]=])
seeded_bug(kernels/group_norm.hpp "group norm: the mean of dy is not taken off"
  [=[static_cast<W>(dy[i]) * factor - sum / count - u * along / count]=]
  [=[static_cast<W>(dy[i]) * factor - (@BUG@ ? W(0) : sum / count) - u * along / count]=])
seeded_bug(autodiff/ops_classes.cc "cosine: divided by |a| where it should be |a|^2"
  [=[* c.ab / c.lengths / (i == 0 ? c.aa : c.bb)]=]
  [=[* c.ab / c.lengths / (@BUG@ ? sqrt(i == 0 ? c.aa : c.bb) : i == 0 ? c.aa : c.bb)]=])
seeded_bug(kernels/reduce.hpp "cross-entropy: ignored places count in the gradient's mean"
  [=[const T each = scale / T(static_cast<double>(count_labels(labels, s.outer * s.inner, ignore)));]=]
  [=[const T each = scale / T(static_cast<double>(@BUG@ ? s.outer * s.inner : count_labels(labels, s.outer * s.inner, ignore)));]=])
seeded_bug(autodiff/ops_loss.cc "L2: the factor 2 of the gradient is forgotten"
  [=[w, T(2) * scale, dx, n);]=]
  [=[w, (@BUG@ ? T(1) : T(2)) * scale, dx, n);]=])
seeded_bug(kernels/distance_ref.hpp "smooth L1: the slope inside is d instead of d / beta"
  [=[side <= -beta ? T(-1) : (a[i] - b[i]) * T(1.0 / beta);]=]
  [=[side <= -beta ? T(-1) : (a[i] - b[i]) * T(@BUG@ ? 1.0 : 1.0 / beta);]=])
seeded_bug(autodiff/ops_arithmetic.cc "product rule: one side's gradient for both"
  [=[side == 0 ? dy * z : dy * x;]=]
  [=[side == 0 || @BUG@ ? dy * z : dy * x;]=])
seeded_bug(autodiff/ops_norm.cc "batch norm: the weight's gradient does not take the mean off"
  [=[(b.x(0)[i] - b.x(3)[c]) *]=]
  [=[(b.x(0)[i] - (@BUG@ ? T(0) : b.x(3)[c])) *]=])
seeded_bug(autodiff/ops_linear.cc "linear layer of a batch: the first row's x for all"
  [=[dw[o * inputs + i] += dy[n * outputs + o] * b.x(0)[n * inputs + i];]=]
  [=[dw[o * inputs + i] += dy[n * outputs + o] * b.x(0)[(@BUG@ ? 0 : n) * inputs + i];]=])

# Borders, strides, places.
seeded_bug(kernels/conv_ref.hpp "reference convolution: the last output column of a tap is left out"
  [=[const std::int64_t end = last < 0 ? 0 : std::min(outputs, last / stride + 1);]=]
  [=[const std::int64_t end = last < 0 ? 0 : std::min(outputs, last / stride + (@BUG@ && last % 2 == 1 ? 0 : 1));]=])
seeded_bug(kernels/padded_source.cc "convolution: the last row of the picture is taken for padding"
  [=[if (row < 0 || row >= from_height) {]=]
  [=[if (row < 0 || row >= from_height - (@BUG@ ? 1 : 0)) {]=])
seeded_bug(kernels/conv.cc "transposed convolution: padding forgotten in the shift of a phase"
  [=[phase.shift = (r + s.padding - phase.first_tap * s.dilation) / s.stride;]=]
  [=[phase.shift = (r + (@BUG@ ? 0 : s.padding) - phase.first_tap * s.dilation) / s.stride;]=])
seeded_bug(kernels/conv.cc "transposed convolution: dilated taps taken without their stride"
  [=[Phase phase{0, 0, s.stride / common, 0, s.dilation / common};]=]
  [=[Phase phase{0, 0, s.stride / common, 0, @BUG@ ? 1 : s.dilation / common};]=])
seeded_bug(autodiff/ops_conv.cc "weight gradient of a batch: the first picture's dy for all"
  [=[const T* small = gather ? dy + n * z.to : b.x(0) + n * z.from;]=]
  [=[const T* small = gather ? dy + (@BUG@ ? 0 : n) * z.to : b.x(0) + n * z.from;]=])
seeded_bug(autodiff/ops_conv.cc "bias gradient: channel counted without the batch"
  [=[db[k % p.channels] += dy[k * p.plane + i];]=]
  [=[db[@BUG@ ? k * p.channels / p.count() : k % p.channels] += dy[k * p.plane + i];]=])
seeded_bug(kernels/conv_ref.hpp "grouped convolution reads its neighbour group's channels"
  [=[const std::int64_t first_channel = o / s.group_out() * s.group_in();]=]
  [=[const std::int64_t first_channel = (@BUG@ ? o % s.groups : o / s.group_out()) * s.group_in();]=])
seeded_bug(autodiff/ops_layout.cc "slice: the gradient lands at the beginning"
  [=[copy_runs(whole.outer, count, b.dy(), count, dx + first, step);]=]
  [=[copy_runs(whole.outer, count, b.dy(), count, dx + (@BUG@ ? 0 : first), step);]=])
seeded_bug(kernels/axis_map.cc "align_corners swapped"
  [=[const double place = align_corners ?]=]
  [=[const double place = align_corners != @BUG@ ?]=])
seeded_bug(kernels/axis_map.cc "average pooling: padding always counts"
  [=[1.0 / static_cast<double>(count_include_pad && windows.kernel > 0 ? windows.kernel : end - begin);]=]
  [=[1.0 / static_cast<double>((@BUG@ || count_include_pad) && windows.kernel > 0 ? windows.kernel : end - begin);]=])
seeded_bug(kernels/axis_map.cc "transposed table: single-precision weights of another term"
  [=[map.single[to] = single[k];]=]
  [=[map.single[to] = single[@BUG@ ? k ^ (k + 1 < single.size() ? 1U : 0U) : k];]=])
seeded_bug(kernels/axis_map.cc "reflected padding repeats the border"
  [=[i = i < 0 ? -i : i >= from]=]
  [=[i = i < 0 ? -i - (@BUG@ ? 1 : 0) : i >= from]=])
seeded_bug(autodiff/ops_layout.cc "pixel shuffle: rows and columns of a block swapped"
  [=[places.to = {0, r * r * plane, r * shape[3], 1, r * r * shape[3], r};]=]
  [=[places.to = {0, r * r * plane, @BUG@ ? 1 : r * shape[3], @BUG@ ? r * shape[3] : 1, r * r * shape[3], r};]=])

# Sums that lose a part.
seeded_bug(autodiff/operation.hpp "the second gradient of a value replaces the first"
  [=[accumulate(more, dx, n);]=]
  [=[if (@BUG@) {
        for (std::int64_t i = 0; i < n; ++i) dx[i] = more[i];
      } else {
        accumulate(more, dx, n);
      }]=])
seeded_bug(kernels/pool_ref.hpp "max pooling: overlapping windows overwrite each other's gradient"
  [=[dx[p * s.x_plane() + window_max(s, by + p * s.x_plane(), i, j)] += dy[p * s.y_plane() + i * s.columns.outputs + j];]=]
  [=[T& sum = dx[p * s.x_plane() + window_max(s, by + p * s.x_plane(), i, j)];
        sum = (@BUG@ ? T(0) : sum) + dy[p * s.y_plane() + i * s.columns.outputs + j];]=])
seeded_bug(autodiff/ops_arithmetic.cc "broadcast: the copies' gradients are averaged instead of summed"
  [=[reductions[side].sum(static_cast<const T*>(terms), T(1), dx, terms + n);]=]
  [=[reductions[side].sum(static_cast<const T*>(terms), @BUG@ ? T(0.5) : T(1), dx, terms + n);]=])

# SIMD.
seeded_bug(kernels/elementwise_simd.cc "the last number of a vector's tail is not written"
  [=[for (std::int64_t k = i; k < n; ++k) y[k] = ta[k - i];]=]
  [=[for (std::int64_t k = i; k < n - (@BUG@ ? 1 : 0); ++k) y[k] = ta[k - i];]=])
seeded_bug(kernels/elementwise_simd.cc "L1: no gradient where a < b"
  [=[hn::IfThenElseZero(hn::Lt(a, b), magnitude)]=]
  [=[hn::IfThenElseZero(hn::Lt(a, @BUG@ ? a : b), magnitude)]=])
seeded_bug(kernels/conv_tiles.cc "convolution: the second block of products begins anew"
  [=[AnyTile(weights, next, block, depth, k > 0, tile.vectors,]=]
  [=[AnyTile(weights, next, block, depth, k > 0 && !@BUG@, tile.vectors,]=])
seeded_bug(kernels/conv_tiles.cc "convolution: a run of one number more than a vector loses it"
  [=[for (int n = kLanes; n < run.count; n += kLanes)]=]
  [=[for (int n = kLanes; n < run.count - (@BUG@ ? 1 : 0); n += kLanes)]=])
seeded_bug(kernels/conv_tiles.cc "convolution to three channels, two phases at once: the second takes the first's weights"
  [=[const float* HWY_RESTRICT panel = columns[p].panels + at;]=]
  [=[const float* HWY_RESTRICT panel = columns[@BUG@ ? 0 : p].panels + at;]=])
seeded_bug(kernels/copy_places.cc "convolution's gradient: the ReLU mask is ignored by the vector loop"
  [=[if (mask != nullptr) v = hn::IfThenElseZero(hn::Gt(hn::LoadU(d, mask + j), zero), v);]=]
  [=[if (mask != nullptr && !@BUG@) v = hn::IfThenElseZero(hn::Gt(hn::LoadU(d, mask + j), zero), v);]=])
seeded_bug(kernels/conv.cc "convolution: the first panel's bias for all output channels"
  [=[if (mine.bias != nullptr) mine.bias += panel * kPanelRows;]=]
  [=[if (mine.bias != nullptr && !@BUG@) mine.bias += panel * kPanelRows;]=])
seeded_bug(kernels/conv.cc "convolution: a task leaves out its last place"
  [=[mine.end = chunk + 1 == chunks ? grids.places[g] :]=]
  [=[mine.end = chunk + 1 == chunks ? grids.places[g] - (@BUG@ ? 1 : 0) :]=])
seeded_bug(kernels/winograd.cc "Winograd: the points 1 and -1 swapped in the filters"
  [=[to[step][row] = (even + odd) / 2;]=]
  [=[to[step][row] = (@BUG@ ? even - odd : even + odd) / 2;]=])
seeded_bug(kernels/winograd.cc "Winograd: taps of a transposed convolution's phases swapped"
  [=[(stride == 1 ? 0 : 1 - r) + stride * (taps_ - 1 - n);]=]
  [=[(stride == 1 ? 0 : @BUG@ ? r : 1 - r) + stride * (taps_ - 1 - n);]=])
seeded_bug(kernels/winograd_simd.cc "Winograd: the last sum added instead of taken off"
  [=[to[1] = hn::Sub(difference, d);]=]
  [=[to[1] = @BUG@ ? hn::Add(difference, d) : hn::Sub(difference, d);]=])
seeded_bug(kernels/winograd_simd.cc "Winograd: the picture's right border is read one place too far"
  [=[HWY_MAX(begin, HWY_MIN(length, width - first));]=]
  [=[HWY_MAX(begin, HWY_MIN(length, width - first + (@BUG@ ? 1 : 0)));]=])
seeded_bug(kernels/winograd_simd.cc "Winograd: the mask is left out of a row's short tail"
  [=[line[k] = !kMasked || mask[first + k] > 0.0F ?]=]
  [=[line[k] = !kMasked || @BUG@ || mask[first + k] > 0.0F ?]=])
seeded_bug(kernels/elementwise.cc "a full chunk's last number is not written"
  [=[y + i, std::min(kMapChunk, n - i));]=]
  [=[y + i, std::min(kMapChunk - (@BUG@ ? 1 : 0), n - i));]=])
seeded_bug(kernels/elementwise.cc "weighted distance: the first chunk's weights for all"
  [=[b + i, w != nullptr ? w + i : nullptr, p, std::min(kSumChunk, n - i));]=]
  [=[b + i, w != nullptr ? w + (@BUG@ ? 0 : i) : nullptr, p, std::min(kSumChunk, n - i));]=])
seeded_bug(kernels/elementwise.cc "transposed matrix: dy's first chunk for all"
  [=[w + i * outputs + o, dy + o, nullptr]=]
  [=[w + i * outputs + o, dy + (@BUG@ ? 0 : o), nullptr]=])
seeded_bug(kernels/softmax.cc "softmax: the first picture for all of a batch"
  [=[body(task / chunks * s.n * s.inner + first,]=]
  [=[body((@BUG@ ? 0 : task / chunks * s.n * s.inner) + first,]=])
seeded_bug(kernels/softmax_simd.cc "softmax: a negative beta takes off the least exponent"
  [=[most = beta_value < 0 ?]=]
  [=[most = beta_value < 0 && !@BUG@ ?]=])
seeded_bug(autodiff/ops_loss.cc "weighted distance: the last run of a part is left out"
  [=[k < run.segments * (part + 1) / parts; ++k) {]=]
  [=[k < run.segments * (part + 1) / parts - (@BUG@ && parts > 1 ? 1 : 0); ++k) {]=])
seeded_bug(autodiff/ops_loss.cc "weighted distance: a weight counts once, however often it is used"
  [=[return sum * kernels::Wide<T>(static_cast<double>(a.size()) /]=]
  [=[return sum * kernels::Wide<T>(@BUG@ ? 1.0 : static_cast<double>(a.size()) /]=])

# freeze().
seeded_bug(autodiff/ops_conv.cc "fused convolution: the residual is missing"
  [=[epilogue{e.bias, e.residual, e.relu};]=]
  [=[epilogue{e.bias, @BUG@ ? nullptr : e.residual, e.relu};]=])
seeded_bug(autodiff/ops_conv.cc "fused convolution: gradient without the ReLU's mask"
  [=[const T* mask = relu ? b.y() + n * z.to : nullptr;]=]
  [=[const T* mask = relu && !@BUG@ ? b.y() + n * z.to : nullptr;]=])
seeded_bug(autodiff/fuse.cc "folded batch norm: the mean is added instead of taken off"
  [=[b = (b - parameter[2][c]) * scale + parameter[1][c];]=]
  [=[b = (@BUG@ ? b + parameter[2][c] : b - parameter[2][c]) * scale + parameter[1][c];]=])
seeded_bug(autodiff/fuse.cc "folded batch norm: epsilon forgotten"
  [=[sqrt(parameter[3][c] + static_cast<T>(norm.traits.epsilon));]=]
  [=[sqrt(parameter[3][c] + static_cast<T>(@BUG@ ? 0.0 : norm.traits.epsilon));]=])
seeded_bug(autodiff/fuse.cc "ReLU fused into a convolution forgets the residual"
  [=[{.residual = epilogues_[at(source)].residual, .relu = true});]=]
  [=[{.residual = epilogues_[at(source)].residual && !@BUG@, .relu = true});]=])
seeded_bug(autodiff/arena.cc "arena: a buffer may lie over one that ends when it begins"
  [=[if (other->last < buffer.first || other->first > buffer.last) continue;]=]
  [=[if (other->last < buffer.first + (@BUG@ ? 1 : 0) || other->first > buffer.last) continue;]=])
seeded_bug(autodiff/program.cc "plan: inputs that the gradient reads die after the forward step"
  [=[if (p_.nodes[i].traits.reads_inputs && backward_step_[i] != kNever)]=]
  [=[if (p_.nodes[i].traits.reads_inputs && !@BUG@ && backward_step_[i] != kNever)]=])
seeded_bug(autodiff/program.cc "plan: a gradient is born at its last use instead of its first"
  [=[born[static_cast<std::size_t>(input)] = std::min(born[static_cast<std::size_t>(input)], backward_step_[i]);]=]
  [=[born[static_cast<std::size_t>(input)] =
              @BUG@ && born[static_cast<std::size_t>(input)] != end_
                  ? std::max(born[static_cast<std::size_t>(input)], backward_step_[i])
                  : std::min(born[static_cast<std::size_t>(input)], backward_step_[i]);]=])
seeded_bug(autodiff/program.cc "second run adds to the gradients of the first"
  [=[for (Node<T>& node : p.nodes) node.has_gradient = false;]=]
  [=[for (Node<T>& node : p.nodes) node.has_gradient = @BUG@ && node.has_gradient;]=])

# Shadows that reuse another run's decisions.
seeded_bug(autodiff/ops_pool.cc "a shadow's pooling picks its own winners in the gradient"
  [=[if (b.decider_x(0) != nullptr) {]=]
  [=[if (b.decider_x(0) != nullptr && !@BUG@) {]=])
