// manifest.json: whatever is accepted names plain files of its folder and whole digests.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "weights/model_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto manifest = likeness::Manifest::parse(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!manifest.ok()) return 0;
  for (const auto& [name, entry] : manifest->files()) {
    if (name.empty() || name.front() == '.' || name.find_first_of("/\\:") != std::string::npos || entry.sha256.size() != 64) std::abort();
  }
  return 0;
}
