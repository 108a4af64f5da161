#include "autodiff/arena.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

namespace likeness::detail {

std::size_t plan_arena(std::span<Lifetime> buffers) {
  std::vector<std::size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  // Not stable_sort, which asks for memory and goes on without: a failed allocation must be seen.
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return buffers[a].size != buffers[b].size ? buffers[a].size > buffers[b].size : a < b; });
  std::vector<const Lifetime*> placed;  // by offset
  std::size_t total = 0;
  for (const std::size_t index : order) {
    Lifetime& buffer = buffers[index];
    buffer.size = (buffer.size + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment;
    std::size_t end = 0;  // of the contemporaries so far
    std::size_t best_gap = 0;
    bool found = false;
    for (const Lifetime* other : placed) {
      if (other->last < buffer.first || other->first > buffer.last) continue;
      if (other->offset > end) {
        const std::size_t gap = other->offset - end;
        if (gap >= buffer.size && (!found || gap < best_gap)) {
          found = true;
          best_gap = gap;
          buffer.offset = end;
        }
      }
      end = std::max(end, other->offset + other->size);
    }
    if (!found) buffer.offset = end;
    total = std::max(total, buffer.offset + buffer.size);
    placed.insert(
        std::upper_bound(placed.begin(), placed.end(), &buffer, [](const Lifetime* a, const Lifetime* b) { return a->offset < b->offset; }),
        &buffer);
  }
  return total;
}

}  // namespace likeness::detail
