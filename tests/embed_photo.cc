// embed_photo SCENE.json OUT: OUT.ppm, a character drawn by the scene's client, and OUT.txt, its landmarks: a photo for the programs of
// tests/embed.cmake.
#include <cstdio>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "likeness/scene.hpp"

int main(int argc, char** argv) {
  using namespace likeness;
  if (argc != 3) return 2;
  const Result<std::unique_ptr<GameClient>> client = open_client(argv[1]);
  if (!client.ok()) return std::fprintf(stderr, "%s\n", client.status().message.c_str()), 1;
  std::vector<float> x = (*client)->schema().default_vector();
  x[0] = 0.8F;
  const Result<Rendering> drawn = (*client)->render(x, {.size = 512, .neutral = true});
  if (!drawn.ok()) return std::fprintf(stderr, "%s\n", drawn.status().message.c_str()), 1;
  std::string ppm = "P6\n512 512\n255\n", landmarks;
  ppm.append(drawn->rgb.begin(), drawn->rgb.end());
  for (const auto& p : drawn->landmarks) landmarks += std::to_string(p[0]) + " " + std::to_string(p[1]) + "\n";
  const std::string out = argv[2];
  return write_file_atomic(out + ".ppm", ppm).ok() && write_file_atomic(out + ".txt", landmarks).ok() ? 0 : 1;
}
