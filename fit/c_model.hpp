// What a likeness_model of the C API holds.
#pragma once

#include <list>
#include <memory>
#include <mutex>

#include "likeness/likeness.hpp"

struct likeness_model {
  std::shared_ptr<const likeness::Model> model;
  std::mutex mutex;                  ///< of `idle`
  std::list<likeness::Fitter> idle;  ///< their memory serves the next fit; as many as ever fitted at once
};
