// Scenes: the schema of a game's sliders, the client that renders them, and random characters to train on.
//
// A character is a vector x in [0, 1]^P, laid out in the order of the schema's parameters:
//   continuous  1 entry; 0, 0.5 and 1 are the client's min, default and max, piecewise linear between them
//   simplex     one weight a component, sum 1; default equal weights
//   choice      one score an option (one-hot in finished characters); the client takes the largest, ties to the first
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "likeness/status.hpp"

namespace likeness {

enum class ParameterType : std::uint8_t { continuous, simplex, choice };

/// identity: exported with the character. nuisance: pose, expression, light; fitted so that they do not leak into the
/// identity, never exported.
enum class ParameterRole : std::uint8_t { identity, nuisance };

/// One named parameter of the scene.
struct Parameter {
  std::string name;
  std::string group;
  ParameterType type = ParameterType::continuous;
  ParameterRole role = ParameterRole::identity;
  double minimum = 0;                ///< continuous, client units
  double neutral = 0;                ///< continuous, client units: the default
  double maximum = 1;                ///< continuous, client units
  std::vector<std::string> options;  ///< simplex: components; choice: options; continuous: empty
  std::size_t default_option = 0;    ///< choice
  /// Continuous, identity: values off the default draw something that a face need not have, as furrows or a receding hairline. A fit
  /// takes it back to the default where the client's picture shows no use of it.
  bool mark = false;
  /// Continuous, nuisance, client units: where neutral pictures have it, such as a trace of a smile. The default where scene.json says
  /// nothing else; no expression at all is always the default.
  double rest = 0;
  std::size_t offset = 0;  ///< first entry in x

  /// Entries in x.
  std::size_t size() const { return type == ParameterType::continuous ? 1 : options.size(); }
  /// Position in x (0 to 1) -> client units, and back; values outside are clamped. Continuous parameters only.
  double to_client(double unit) const;
  double from_client(double value) const;
  /// Continuous: whether the default is next to none of an amount, such as a beard's density.
  bool one_sided() const { return neutral - minimum <= 0.25 * (maximum - minimum); }
};

/// The parsed, validated scene.json.
class Schema {
 public:
  /// Errors: corrupt_scene with a sentence that names the parameter.
  static Result<Schema> parse(std::string_view json);

  /// P, the number of entries of x.
  std::size_t size() const { return size_; }
  std::span<const Parameter> parameters() const { return parameters_; }
  /// nullptr when there is none of that name.
  const Parameter* find(std::string_view name) const;
  /// First entry in x of the parameter `index`.
  std::size_t offset(std::size_t index) const { return parameters_[index].offset; }
  /// The average face: every parameter at its default. Length size().
  std::vector<float> default_vector() const;
  /// Option with the largest entry (the first of equals) of a choice parameter. `x` has size() entries.
  std::size_t chosen(const Parameter& choice, std::span<const float> x) const;
  /// Makes `x` valid in place: entries clamped to [0, 1] (NaN becomes the default), simplexes scaled to sum 1, choices one-hot.
  void canonicalise(std::span<float> x) const;
  /// SHA-256 of the canonical JSON (keys sorted, no white space), without what says how an external client is run.
  const std::string& hash() const { return hash_; }
  const std::string& name() const { return name_; }
  /// Side of the client's native picture in pixels.
  int picture_size() const { return picture_size_; }
  /// The canonical JSON text; clients read their own keys of it.
  const std::string& canonical_json() const { return canonical_; }

 private:
  std::vector<Parameter> parameters_;
  std::size_t size_ = 0;
  std::string hash_, name_, canonical_;
  int picture_size_ = 512;
};

/// Slider values, as entries of x.
struct Character {
  std::vector<float> x;
};

/// character.json (format "likeness-character"): every parameter by name in client units and as entries of x.
std::string character_to_json(const Schema& schema, const Character& character);
/// Reads what character_to_json wrote. `unit` entries win over `value`; missing parameters get their default.
/// Errors: invalid_argument (not such a file, unknown parameter, out of range), schema_mismatch.
Result<Character> character_from_json(const Schema& schema, std::string_view json);
/// The identity parameters as a MakeHuman saved model (.mhm text); docs/makehuman.md lists what it cannot hold. The text is read back
/// and checked against MakeHuman's modifiers and their ranges before it is returned. Characters of `name` that would end the line
/// become '_'. Errors: unavailable when the scene has no .mhm mapping, corrupt_scene when its mapping is malformed or writes what
/// MakeHuman does not know, invalid_argument (length of x).
Result<std::string> character_to_mhm(const Schema& schema, const Character& character, std::string_view name = "likeness");

/// What a .mhm says of the head.
struct MhmReading {
  Character character;             ///< parameters that the file does not hold are at their default
  std::vector<std::string> notes;  ///< a sentence for all that was left out, clamped or guessed; printable ASCII, at most 101
};
/// Reads a MakeHuman saved model, written by character_to_mhm or by MakeHuman 1.0 and later. What lies beyond the head or beyond the
/// scene's sliders is left out with a note; values beyond a range are clamped with a note.
/// Errors: invalid_argument (no text, no version, a modifier without a number, more than 1 MiB), unavailable and corrupt_scene as in
/// character_to_mhm.
Result<MhmReading> character_from_mhm(const Schema& schema, std::string_view text);

/// A random character: every continuous entry uniform, simplexes uniform, choices uniform. A function of (seed, index) only,
/// the same on every machine.
std::vector<float> draw_uniform(const Schema& schema, std::uint64_t seed, std::uint64_t index);
/// A random character with plausible statistics: shapes normal around the average, looks that go with ancestry, age and sex,
/// mostly mild expressions, a tenth extremes. A function of (seed, index) only.
std::vector<float> draw_human(const Schema& schema, std::uint64_t seed, std::uint64_t index);

struct RenderOptions {
  int size = 512;        ///< side in pixels, 16 to 4096
  bool labels = false;   ///< also the label map
  bool neutral = false;  ///< every nuisance parameter at rest (Parameter::rest): frontal, relaxed, standard light
  int supersample = 2;   ///< samples a pixel and axis, 1 to 4
  /// Built-in head: not 0 puts random glasses of this seed on the face; labels stay those of what is behind. For training.
  std::uint64_t glasses = 0;
};

/// A picture of a character, framed like every other one.
struct Rendering {
  int size = 0;
  std::vector<std::uint8_t> rgb;     ///< size * size * 3, sRGB
  std::vector<std::uint8_t> labels;  ///< size * size, 0 background, 1 face, 2 hair, 3/4 left/right brow, 5/6 left/right eye,
                                     ///< 7 nose, 8 upper lip, 9 inner mouth, 10 lower lip (left = smaller x); or empty
  std::array<std::array<float, 2>, 68> landmarks{};  ///< pixels, x right, y down, pixel centres at .5
};

struct Mesh;

/// A program that shows a character: the built-in head or an external game.
class GameClient {
 public:
  virtual ~GameClient() = default;
  virtual const Schema& schema() const = 0;
  /// `x` has schema().size() entries. May be called from several threads at once.
  /// Errors: invalid_argument (lengths, non-finite values, sizes), client_failed (external programs: it crashed, was late, or answered
  /// nonsense; the next call starts it again, until it has failed 5 times in a row).
  virtual Result<Rendering> render(std::span<const float> x, const RenderOptions& options) const = 0;
  /// The character in three dimensions (likeness/mesh.hpp), straight ahead, with its expression only if `expression`.
  /// Errors: invalid_argument as in render; unavailable from clients that only draw pictures, as external programs do.
  virtual Result<Mesh> mesh(std::span<const float> x, bool expression) const;
};

/// Opens the client that a scene.json names; paths in it are relative to its folder.
///
/// "client": {"type": "builtin", "asset": FILE} is the MakeHuman head. {"type": "process", "command": [PROGRAM, ARGUMENTS...]} starts a
/// program of yours that draws (docs/your-own-game.md): open such a file only if you would run that program yourself. Optional beside
/// the command: "timeout_s" (30) for an answer, "start_timeout_s" (60) for the greeting, "processes" (1), copies at most.
/// Errors: not_found (with what to run), io_error, corrupt_scene, unavailable, client_failed (the program does not start or greet).
Result<std::unique_ptr<GameClient>> open_client(const std::filesystem::path& scene_json);

}  // namespace likeness
