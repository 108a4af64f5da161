#include "image/stb.hpp"

#include <climits>
#include <cstdlib>
#include <cstring>

namespace likeness::stb {
namespace {

// Memory of the decode that runs on this thread. stb reads some memory that it never wrote when a file is damaged, so every
// byte is zeroed: the result cannot depend on what the heap held before.
struct Budget {
  std::size_t left = 0;
  bool exceeded = false;
};
thread_local Budget budget_of_thread;

// In front of every block, so that free() knows what to give back. Keeps the alignment of malloc.
constexpr std::size_t kHeader = alignof(std::max_align_t) < sizeof(std::size_t) ? sizeof(std::size_t) : alignof(std::max_align_t);

void* budgeted_malloc(std::size_t size) {
  Budget& budget = budget_of_thread;
  if (size > budget.left) {
    budget.exceeded = true;
    return nullptr;
  }
  auto* block = static_cast<unsigned char*>(std::calloc(1, size + kHeader));
  if (block == nullptr) return nullptr;
  budget.left -= size;
  std::memcpy(block, &size, sizeof(size));
  return block + kHeader;
}

void budgeted_free(void* pointer) {
  if (pointer == nullptr) return;
  unsigned char* block = static_cast<unsigned char*>(pointer) - kHeader;
  std::size_t size = 0;
  std::memcpy(&size, block, sizeof(size));
  budget_of_thread.left += size;
  std::free(block);
}

void* budgeted_realloc(void* pointer, std::size_t old_size, std::size_t size) {
  void* grown = budgeted_malloc(size);
  if (grown == nullptr) return nullptr;
  if (pointer != nullptr) std::memcpy(grown, pointer, old_size < size ? old_size : size);
  budgeted_free(pointer);
  return grown;
}

}  // namespace
}  // namespace likeness::stb

#define STBI_MALLOC(size) likeness::stb::budgeted_malloc(size)
#define STBI_REALLOC_SIZED(pointer, old_size, size) likeness::stb::budgeted_realloc(pointer, old_size, size)
#define STBI_REALLOC(pointer, size) static_assert(false, "every call site knows the old size")
#define STBI_FREE(pointer) likeness::stb::budgeted_free(pointer)
#define STBI_ASSERT(condition) static_cast<void>(0)
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_MAX_DIMENSIONS 65535
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#include <stb_image.h>

namespace likeness::stb {
namespace {

Decoded failure(const char* reason) {
  Decoded out;
  out.over_budget = budget_of_thread.exceeded;
  out.error = reason != nullptr ? reason : "unknown";
  return out;
}

}  // namespace

Decoded decode_jpeg(std::span<const std::uint8_t> bytes, int channels, std::size_t budget) {
  budget_of_thread = {budget, false};
  if (bytes.size() > INT_MAX) return failure("file too large");
  stbi__context source;
  stbi__start_mem(&source, bytes.data(), static_cast<int>(bytes.size()));
  auto* jpeg = static_cast<stbi__jpeg*>(budgeted_malloc(sizeof(stbi__jpeg)));
  if (jpeg == nullptr) return failure("out of memory");
  jpeg->s = &source;
  stbi__setup_jpeg(jpeg);
  int width = 0;
  int height = 0;
  int stored = 0;
  stbi_uc* pixels = load_jpeg_image(jpeg, &width, &height, &stored, channels);
  // stb goes on with zeros when a scan runs out of bits, and says nothing. The guard's padding behind every scan makes the
  // marker out of reach of its reading ahead, so having met it means just that.
  const bool ran_out = jpeg->nomore != 0;
  budgeted_free(jpeg);
  if (pixels == nullptr) return failure(stbi_failure_reason());
  Decoded out;
  if (ran_out) {
    out.error = "it ends in the middle of the picture";
  } else {
    out.image = Image(width, height, channels);
    std::memcpy(out.image.pixels.data(), pixels, out.image.pixels.size());
  }
  budgeted_free(pixels);
  return out;
}

Decoded decode_png(std::span<const std::uint8_t> bytes, int channels, bool deep, std::size_t budget) {
  budget_of_thread = {budget, false};
  if (bytes.size() > INT_MAX) return failure("file too large");
  const int length = static_cast<int>(bytes.size());
  int width = 0;
  int height = 0;
  int stored = 0;
  std::uint8_t* narrow = nullptr;
  std::uint16_t* wide = nullptr;
  if (deep) {
    wide = stbi_load_16_from_memory(bytes.data(), length, &width, &height, &stored, channels);
  } else {
    narrow = stbi_load_from_memory(bytes.data(), length, &width, &height, &stored, channels);
  }
  if (wide == nullptr && narrow == nullptr) return failure(stbi_failure_reason());
  Decoded out;
  out.image = Image(width, height, channels);
  const std::size_t count = out.image.pixels.size();
  if (deep) {
    for (std::size_t i = 0; i < count; ++i) out.image.pixels[i] = static_cast<std::uint8_t>((wide[i] * 255U + 32767U) / 65535U);
    budgeted_free(wide);
  } else {
    std::memcpy(out.image.pixels.data(), narrow, count);
    budgeted_free(narrow);
  }
  return out;
}

}  // namespace likeness::stb
