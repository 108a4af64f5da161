#include "align/landmark_forest.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include "base/file.hpp"
#include "base/sha256.hpp"

static_assert(std::endian::native == std::endian::little, "numbers of several bytes are read as they lie in the file");

namespace likeness {
namespace {

constexpr std::size_t kLargestFile = std::size_t{256} << 20;  // dlib's published one has 97 MB
constexpr std::size_t kChunk = std::size_t{256} << 10;        // what is hashed is still in the cache
constexpr std::size_t kSlack = 16;                            // numbers are loaded by eight bytes

// The bytes of a file, and their digest. In large pages where the system has them: half of the reading is making pages else.
class HashedFile {
 public:
  static Result<HashedFile> read(const std::filesystem::path& path) {
    Result<FileReader> file = FileReader::open(path, kLargestFile);
    if (!file.ok()) return file.status();
    HashedFile read(file->left());
    Sha256 sum;
    while (file->left() > 0) {
      const std::span<std::uint8_t> next(read.bytes_.get() + read.size_ - file->left(), std::min(kChunk, file->left()));
      if (Status status = file->read(next); !status.ok()) return status;
      sum.add(next);
    }
    read.digest_ = sum.hex();
    return read;
  }
  /// kSlack zeros follow.
  std::span<const std::uint8_t> bytes() const { return {bytes_.get(), size_}; }
  const std::string& digest() const { return digest_; }

 private:
  static constexpr std::align_val_t kPage{std::size_t{2} << 20};
  struct Delete {
    void operator()(std::uint8_t* bytes) const { ::operator delete(bytes, kPage); }
  };

  explicit HashedFile(std::size_t size) : bytes_(static_cast<std::uint8_t*>(::operator new(size + kSlack, kPage))), size_(size) {
#ifdef MADV_HUGEPAGE
    ::madvise(bytes_.get(), size, MADV_HUGEPAGE);  // where it fails, pages are small
#endif
    std::memset(bytes_.get() + size, 0, kSlack);
  }

  std::unique_ptr<std::uint8_t, Delete> bytes_;
  std::size_t size_;
  std::string digest_;
};

// dlib's serialisation: an integer is a byte with its sign and its number of bytes, then these; a floating-point number is its mantissa and
// its binary exponent, both integers. Once something is wrong, everything reads as 0.
class Numbers {
 public:
  explicit Numbers(const HashedFile& file) : at_(file.bytes().data()), end_(at_ + file.bytes().size()) {}

  std::int64_t integer() { return take(); }
  // A count or index; more than `most` is wrong.
  std::size_t count(std::size_t most) {
    const std::int64_t n = integer();
    if (n < 0 || static_cast<std::uint64_t>(n) > most) ok_ = false;
    return ok_ ? static_cast<std::size_t>(n) : 0;
  }
  float real() { return take_real(); }
  void reals(std::span<float> to) {
    for (float& value : to) value = take_real();
  }
  // The size of a column.
  std::size_t rows(std::size_t most) {
    // Both negative: a mark of the format's second version.
    const std::int64_t n = integer(), columns = integer();
    const std::int64_t sign = n < 0 ? -1 : 1, limit = static_cast<std::int64_t>(most);
    if (columns != sign || n == 0 || n > limit || n < -limit) ok_ = false;
    return ok_ ? static_cast<std::size_t>(sign * n) : 0;
  }

  bool ok() const { return ok_; }
  void fail() { ok_ = false; }
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }

 private:
  static std::uint64_t load(const std::uint8_t* from) {
    std::uint64_t word = 0;
    std::memcpy(&word, from, sizeof word);
    return word;
  }

  std::int64_t take() {
    const std::uint8_t head = at_ < end_ ? *at_ : std::uint8_t{0};
    const std::size_t size = head & 0x0F;
    if (size == 0 || size > 8 || (head & 0x70) != 0 || size >= static_cast<std::size_t>(end_ - at_)) {
      ok_ = false;
      return 0;
    }
    const std::uint64_t value = load(at_ + 1) << (64 - 8 * size) >> (64 - 8 * size);
    at_ += size + 1;
    return static_cast<std::int64_t>((head & 0x80) != 0 ? 0 - value : value);
  }

  // mantissa times two to the exponent, exactly.
  static float scaled(std::uint32_t mantissa, bool negative, std::int32_t exponent) {
    const auto whole = static_cast<std::int32_t>(mantissa);
    return static_cast<float>(negative ? -whole : whole) * std::bit_cast<float>(static_cast<std::uint32_t>(exponent + 127) << 23);
  }

  float take_real() {
    // Nearly all have an exponent of one byte, and mantissas of three bytes or, in small files, one. Branches on that are predicted, so
    // that a number need not wait for the length of the one before.
    if (end_ - at_ >= 8) {
      const std::uint64_t word = load(at_);
      const auto usual = [&](std::uint64_t exponent, std::uint32_t mantissa, std::size_t bytes) {
        const auto power = static_cast<std::int32_t>(exponent >> 8 & 0xFF);
        at_ += bytes;
        const bool below = (exponent & 0x80) != 0;
        if (power > 100) return finite(std::ldexp(scaled(mantissa, (word & 0x80) != 0, 0), below ? -power : power));
        return scaled(mantissa, (word & 0x80) != 0, below ? -power : power);
      };
      if ((word & 0x7F0000007F) == 0x0100000003) return usual(word >> 32, static_cast<std::uint32_t>(word >> 8 & 0xFFFFFF), 6);
      if ((word & 0x7F007F) == 0x010001) return usual(word >> 16, static_cast<std::uint32_t>(word >> 8 & 0xFF), 4);
    }
    const std::int64_t mantissa = take();
    const std::int64_t exponent = take();
    if (exponent < -32767 || exponent > 31999) ok_ = false;  // beyond: marks of infinity and NaN
    return ok_ ? finite(std::ldexp(static_cast<float>(mantissa), static_cast<int>(exponent))) : 0;
  }

  float finite(float value) {
    if (!std::isfinite(value)) ok_ = false;
    return value;
  }

  const std::uint8_t *at_, *end_;
  bool ok_ = true;
};

constexpr std::size_t kMostLandmarks = 1024, kMostCascades = 1024, kMostSplits = 4095, kMostPixels = 65536;

void read_tree(Numbers& numbers, std::size_t trees, std::size_t size, LandmarkForest::Cascade& to) {
  LandmarkForest::Tree tree{static_cast<std::uint32_t>(to.splits.size()), 0, static_cast<std::uint32_t>(to.leaves.size() / size)};
  const std::size_t splits = numbers.count(kMostSplits);
  tree.splits = static_cast<std::uint32_t>(splits);
  if (to.trees.empty()) {  // those that follow are alike; no number takes less than four bytes of the file
    to.splits.reserve(std::min(trees * splits, numbers.left() / 4));
    to.leaves.reserve(std::min(trees * (splits + 1) * size, numbers.left() / 4));
  }
  for (std::size_t i = 0; i < splits && numbers.ok(); ++i) {
    const auto first = static_cast<std::uint32_t>(numbers.count(kMostPixels)),
               second = static_cast<std::uint32_t>(numbers.count(kMostPixels));
    to.splits.push_back({first, second, numbers.real()});
  }
  if (numbers.count(kMostSplits + 1) != splits + 1 || !std::has_single_bit(splits + 1)) numbers.fail();
  for (std::size_t i = 0; i <= splits && numbers.ok(); ++i) {
    to.leaves.resize(to.leaves.size() + size);
    if (numbers.rows(size) != size) numbers.fail();
    numbers.reals(std::span(to.leaves).last(size));
  }
  to.trees.push_back(tree);
}

bool in_range(const LandmarkForest::Cascade& cascade, std::size_t landmarks) {
  const std::size_t pixels = cascade.deltas.size();
  return cascade.anchors.size() == pixels && std::ranges::all_of(cascade.anchors, [&](std::size_t a) { return a < landmarks; }) &&
         std::ranges::all_of(cascade.splits, [&](const LandmarkForest::Split& s) { return s.first < pixels && s.second < pixels; });
}

LandmarkForest parse(Numbers& numbers) {
  LandmarkForest forest;
  if (numbers.integer() != 1) numbers.fail();  // the version
  forest.shape.resize(numbers.rows(2 * kMostLandmarks));
  const std::size_t size = forest.shape.size();
  if (size == 0 || size % 2 != 0) numbers.fail();
  numbers.reals(forest.shape);
  const std::size_t cascades = numbers.count(kMostCascades);
  for (std::size_t c = 0; c < cascades && numbers.ok(); ++c) {
    LandmarkForest::Cascade& cascade = forest.cascades.emplace_back();
    const std::size_t trees = numbers.count(numbers.left());
    for (std::size_t t = 0; t < trees && numbers.ok(); ++t) read_tree(numbers, trees, size, cascade);
    // Trees that are not alike may have left room, which adds up over many cascades.
    if (cascade.leaves.capacity() / 2 > cascade.leaves.size()) cascade.leaves.shrink_to_fit(), cascade.splits.shrink_to_fit();
  }
  if (numbers.count(kMostCascades) != cascades) numbers.fail();
  for (std::size_t c = 0; c < cascades && numbers.ok(); ++c) {
    const std::size_t pixels = numbers.count(kMostPixels);
    for (std::size_t i = 0; i < pixels && numbers.ok(); ++i)
      forest.cascades[c].anchors.push_back(static_cast<std::uint32_t>(numbers.count(kMostLandmarks)));
  }
  if (numbers.count(kMostCascades) != cascades) numbers.fail();
  for (std::size_t c = 0; c < cascades && numbers.ok(); ++c) {
    const std::size_t pixels = numbers.count(kMostPixels);
    for (std::size_t i = 0; i < pixels && numbers.ok(); ++i) numbers.reals(forest.cascades[c].deltas.emplace_back());
  }
  if (!std::ranges::all_of(forest.cascades, [&](const auto& cascade) { return in_range(cascade, size / 2); })) numbers.fail();
  return forest;
}

}  // namespace

Result<LandmarkForest> read_landmark_forest(const std::filesystem::path& path, const std::string& digest) {
  const Result<HashedFile> file = HashedFile::read(path);
  if (!file.ok()) return file.status();
  if (file->digest() != digest) {
    return Status{Code::corrupt_model, path.string() + " is not the landmark file that this program trusts: its SHA-256 is " +
                                           file->digest() + ", not " + digest + " (docs/safety.md says how to trust another one)"};
  }
  Numbers numbers(*file);
  LandmarkForest forest = parse(numbers);
  if (!numbers.ok()) return Status{Code::corrupt_model, path.string() + " cannot be read: it holds no shape predictor of dlib's"};
  return forest;
}

}  // namespace likeness
