// The rewriting half of freeze(): a recording becomes a smaller graph that computes the same.
#pragma once

#include <vector>

#include "autodiff/operation.hpp"

namespace likeness::detail {

/// Nodes in an order in which inputs come first, with tape indices as they were; a node that is not needed has `needed` false.
template <class T>
struct Graph {
  std::vector<Node<T>> nodes;
  std::vector<bool> needed;
  std::vector<bool> kept;  ///< Its value has to be readable afterwards: it may not vanish in another operation.
};

/// Marks what the kept nodes depend on.
template <class T>
void mark_needed(Graph<T>& graph);

/// The rewrites that program.hpp lists, repeated along chains: convolution, batch norm, addition, ReLU become one node, which
/// stands at the place of the last. Ends with mark_needed().
template <class T>
void fuse(Graph<T>& graph);

}  // namespace likeness::detail
