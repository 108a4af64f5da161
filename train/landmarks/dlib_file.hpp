// A cascade as a dlib::shape_predictor file.
#pragma once

#include <string>

#include "train/landmarks/boosting.hpp"

namespace likeness::landmarks {

/// The bytes that dlib::deserialize(shape_predictor&) reads; in dlib's variable-length numbers, so rounded values make them fewer.
std::string to_dlib(const Cascade& cascade);

}  // namespace likeness::landmarks
