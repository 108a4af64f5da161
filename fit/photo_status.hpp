// What is wrong with one photo of several that are fitted together.
#pragma once

#include <cstddef>
#include <string>

#include "likeness/status.hpp"

namespace likeness {

/// `status`, whose sentence says which of `count` photos it is about (`index` from 0). Unchanged where it is ok or the photo is the only
/// one.
inline Status photo_status(const Status& status, std::size_t index, std::size_t count) {
  if (status.ok() || count < 2) return status;
  return {status.code, "photo " + std::to_string(index + 1) + " of " + std::to_string(count) + ": " + status.message};
}

}  // namespace likeness
