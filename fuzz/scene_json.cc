// scene.json, the schema of a game; where it is one, its own average character goes out and comes back.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "likeness/scene.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace likeness;  // NOLINT(google-build-using-namespace)
  const auto schema = Schema::parse(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!schema.ok()) return 0;
  const auto again = Schema::parse(schema->canonical_json());
  if (!again.ok() || again->hash() != schema->hash() || again->size() != schema->size()) std::abort();
  Character average{schema->default_vector()};
  if (average.x.size() != schema->size()) std::abort();
  schema->canonicalise(average.x);
  const auto back = character_from_json(*schema, character_to_json(*schema, average));
  if (!back.ok() || back->x.size() != schema->size()) std::abort();
  return 0;
}
