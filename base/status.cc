#include "likeness/status.hpp"

namespace likeness {

const char* code_name(Code code) {
  switch (code) {
    case Code::ok:
      return "OK";
    case Code::invalid_argument:
      return "INVALID_ARGUMENT";
    case Code::not_found:
      return "NOT_FOUND";
    case Code::io_error:
      return "IO_ERROR";
    case Code::unsupported_format:
      return "UNSUPPORTED_FORMAT";
    case Code::corrupt_image:
      return "CORRUPT_IMAGE";
    case Code::image_too_large:
      return "IMAGE_TOO_LARGE";
    case Code::image_too_small:
      return "IMAGE_TOO_SMALL";
    case Code::no_face:
      return "NO_FACE";
    case Code::face_too_small:
      return "FACE_TOO_SMALL";
    case Code::pose:
      return "POSE";
    case Code::landmarks_bad:
      return "LANDMARKS_BAD";
    case Code::corrupt_model:
      return "CORRUPT_MODEL";
    case Code::schema_mismatch:
      return "SCHEMA_MISMATCH";
    case Code::corrupt_scene:
      return "CORRUPT_SCENE";
    case Code::diverged:
      return "DIVERGED";
    case Code::client_failed:
      return "CLIENT_FAILED";
    case Code::unavailable:
      return "UNAVAILABLE";
    case Code::out_of_memory:
      return "OUT_OF_MEMORY";
    case Code::internal:
      return "INTERNAL";
  }
  return "UNKNOWN";
}

}  // namespace likeness
