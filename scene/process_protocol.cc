#include "scene/process_protocol.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/file.hpp"
#include "image/decode.hpp"
#include "scene/child_process.hpp"
#include "scene/json_guard.hpp"
#include "scene/landmark_json.hpp"

namespace likeness::scene {
namespace {

using Json = nlohmann::json;

constexpr int kLastClass = 10;

Status failed(const std::string& what) { return {Code::client_failed, "the client's program " + what}; }

// The picture that `decode` makes of a file, checked for its size.
template <class Decode>
Result<Image> read_picture(const std::filesystem::path& file, const char* what, int size, Decode decode) {
  DecodeLimits limits;
  limits.min_side = 1;
  const Result<std::vector<std::uint8_t>> bytes = read_file(file, limits.max_bytes);
  if (!bytes.ok()) {
    if (bytes.status().code == Code::not_found) return failed(std::string("wrote no ") + what + " at " + file.string());
    return failed(std::string("wrote a ") + what + " that cannot be read: " + bytes.status().message);
  }
  Result<Image> image = decode(*bytes, limits);
  if (!image.ok()) return failed(std::string("wrote a ") + what + " that cannot be decoded: " + image.status().message);
  if (image->width != size || image->height != size) {
    return failed(std::string("wrote a ") + what + " of " + std::to_string(image->width) + " x " + std::to_string(image->height) +
                  " pixels where " + std::to_string(size) + " x " + std::to_string(size) + " were asked for");
  }
  return image;
}

}  // namespace

std::string request_line(const Schema& schema, std::span<const float> x, const RenderOptions& options, std::uint64_t id,
                         const RenderingFiles& files) {
  nlohmann::ordered_json parameters = nlohmann::ordered_json::object();
  for (const Parameter& p : schema.parameters()) {
    switch (p.type) {
      case ParameterType::continuous:
        parameters[p.name] = p.to_client(static_cast<double>(x[p.offset]));
        break;
      case ParameterType::simplex:
        for (std::size_t i = 0; i < p.size(); ++i) parameters[p.name][p.options[i]] = x[p.offset + i];
        break;
      case ParameterType::choice:
        parameters[p.name] = p.options[schema.chosen(p, x)];
        break;
    }
  }
  nlohmann::ordered_json request = {{"id", id},
                                    {"size", options.size},
                                    {"supersample", options.supersample},
                                    {"parameters", std::move(parameters)},
                                    {"picture", files.picture.string()}};
  if (options.labels) request["labels"] = files.labels.string();
  return request.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Status check_greeting(std::string_view line) {
  const Json greeting = parse_json(line);
  if (!greeting.is_object() || greeting.value("format", Json()) != "likeness-client") {
    return failed("must greet with {\"format\": \"likeness-client\", \"version\": 1} on a line, but began with " + quote(line));
  }
  if (greeting.value("version", Json()) != 1) return failed("speaks another version of the protocol than 1: " + quote(line));
  return Status::success();
}

Answer parse_answer(std::string_view line, std::uint64_t id) {
  Answer answer;
  const Json root = parse_json(line);
  if (!root.is_object()) {
    answer.status = failed("answered with something that is not a JSON object: " + quote(line));
    return answer;
  }
  if (const Json its_id = root.value("id", Json()); its_id != id) {
    answer.status = failed("answered request " + quote(its_id.dump(), 40) + " when " + std::to_string(id) + " was asked");
    return answer;
  }
  answer.in_step = true;
  if (const Json error = root.value("error", Json()); !error.is_null()) {
    answer.status = failed("could not draw the character: " + (error.is_string() ? quote(error.get<std::string>()) : error.dump()));
    return answer;
  }
  const Result<Landmarks> landmarks = parse_landmarks(root.value("landmarks", Json()));
  if (landmarks.ok()) {
    answer.landmarks = *landmarks;
  } else {
    answer.status = failed("answered without \"error\", so its \"landmarks\" " + landmarks.status().message);
  }
  return answer;
}

Status read_rendering(const RenderingFiles& files, const RenderOptions& options, Rendering* rendering) {
  Result<Image> picture = read_picture(files.picture, "picture", options.size, decode_photo);
  if (!picture.ok()) return picture.status();
  rendering->size = options.size;
  rendering->rgb = std::move(picture->pixels);
  if (!options.labels) return Status::success();
  Result<Image> labels = read_picture(files.labels, "label map", options.size, decode_labels);
  if (!labels.ok()) return labels.status();
  if (const auto most = *std::ranges::max_element(labels->pixels); most > kLastClass) {
    return failed("wrote a label map with the value " + std::to_string(most) + "; classes are 0 to 10");
  }
  rendering->labels = std::move(labels->pixels);
  return Status::success();
}

}  // namespace likeness::scene
