#include "fit/batch.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/file.hpp"
#include "base/sha256.hpp"
#include "fit/photo_status.hpp"
#include "fit/stopwatch.hpp"

namespace likeness {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kLargestPhoto = std::size_t{64} << 20;  // bytes, as the decoder's limit

bool named_like_a_picture(const fs::path& file) {
  static constexpr std::array<std::string_view, 11> kEndings = {".jpg", ".jpeg", ".png",  ".bmp",  ".gif", ".webp",
                                                                ".tif", ".tiff", ".heic", ".heif", ".avif"};
  std::string ending = file.extension().string();
  std::ranges::transform(ending, ending.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::ranges::find(kEndings, ending) != kEndings.end() && !file.filename().string().starts_with('.');
}

// A name for a folder: the stem, never empty, hidden or a way up.
std::string stem_of(const fs::path& file) {
  fs::path name = file.filename();
  if (name.empty()) name = file.parent_path().filename();  // "photos/"
  std::string stem = name.stem().string();
  while (stem.starts_with('.')) stem.erase(0, 1);
  return stem.empty() ? "photo" : stem;
}

// Reasons that lie in the photo and would be the same again.
bool final_refusal(Code code) {
  switch (code) {
    case Code::unsupported_format:
    case Code::corrupt_image:
    case Code::image_too_large:
    case Code::image_too_small:
    case Code::no_face:
    case Code::face_too_small:
    case Code::pose:
    case Code::landmarks_bad:
    case Code::diverged:
      return true;
    default:
      return false;
  }
}

bool settled(const LedgerEntry* known, const LedgerEntry& entry, const fs::path& folder, const fs::path& also) {
  if (known == nullptr || known->sha256 != entry.sha256 || known->options != entry.options) return false;
  std::error_code error;
  if (known->code != Code::ok) return final_refusal(known->code);
  return fs::exists(folder / "character.json", error) && fs::exists(folder / also, error);
}

Result<BatchFiles> read_files(const BatchInput& input) {
  const std::size_t count = 1 + input.others.size();
  BatchFiles files;
  for (std::size_t i = 0; i < count; ++i) {
    const BatchInput& photo = i == 0 ? input : input.others[i - 1];
    Result<std::vector<std::uint8_t>> bytes = photo.status.ok() ? read_file(photo.file, kLargestPhoto) : photo.status;
    if (!bytes.ok()) return photo_status(bytes.status(), i, count);
    files.push_back(std::move(*bytes));
  }
  return files;
}

// SHA-256 of a file; of several, of their SHA-256s in order.
std::string digest_of(const BatchFiles& files) {
  if (files.size() == 1) return sha256_hex(files.front());
  std::string digests;
  for (const auto& bytes : files) digests += sha256_hex(bytes);
  return sha256_hex(digests);
}

std::string names_of(const BatchInput& input) {
  std::string names = input.file.string();
  for (const BatchInput& other : input.others) names += ", " + other.file.string();
  return names;
}

void refuse(LedgerEntry& entry, const Status& status) {
  entry.code = status.code;
  entry.message = status.message;
}

}  // namespace

std::vector<BatchInput> list_inputs(std::span<const std::string> arguments) {
  std::vector<BatchInput> inputs;
  std::set<std::string> taken;
  const auto add = [&](const fs::path& file, Status status) {
    const std::string stem = stem_of(file);
    std::string unique = stem;
    for (int n = 2; !taken.insert(unique).second; ++n) unique = stem + "-" + std::to_string(n);
    inputs.push_back({.file = file, .stem = unique, .status = std::move(status)});
  };
  for (const std::string& argument : arguments) {
    std::error_code error;
    if (!fs::is_directory(argument, error)) {
      add(argument, Status::success());
      continue;
    }
    std::vector<fs::path> files;
    for (fs::directory_iterator entry(argument, error), end; !error && entry != end; entry.increment(error)) {
      if (named_like_a_picture(entry->path())) files.push_back(entry->path());
    }
    std::ranges::sort(files);
    for (const fs::path& file : files) add(file, Status::success());
    if (error) {
      add(argument, {Code::io_error, "cannot read the folder " + argument + ": " + error.message()});
    } else if (files.empty()) {
      add(argument, {Code::not_found, "the folder " + argument + " holds no pictures"});
    }
  }
  return inputs;
}

BatchInput group_inputs(std::vector<BatchInput> photos) {
  BatchInput group = std::move(photos.front());
  photos.erase(photos.begin());
  group.others = std::move(photos);
  return group;
}

Result<BatchCounts> run_batch(std::span<const BatchInput> inputs, const fs::path& out, const std::string& options, const BatchWork& work,
                              const BatchListener& listener, const fs::path& also) {
  std::error_code error;
  fs::create_directories(out, error);
  if (error) return Status{Code::io_error, "cannot make the output folder " + out.string() + ": " + error.message()};
  Result<Ledger> ledger = Ledger::open(out);
  if (!ledger.ok()) return ledger.status();

  BatchCounts counts;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const BatchInput& input = inputs[i];
    const Stopwatch watch;
    LedgerEntry entry{.stem = input.stem, .photo = names_of(input), .sha256 = {}, .options = options, .message = {}};
    const fs::path folder = out / input.stem;
    const Result<BatchFiles> files = read_files(input);
    ++counts.total;
    if (!files.ok()) {
      refuse(entry, files.status());
    } else {
      entry.sha256 = digest_of(*files);
      if (const LedgerEntry* known = ledger->find(input.stem); settled(known, entry, folder, also)) {
        ++(known->code == Code::ok ? counts.resumed : counts.refused);
        if (listener) listener(i, *known, true);
        continue;
      }
      fs::create_directories(folder, error);
      Result<double> similarity = error ? Result<double>(Status{Code::io_error, "cannot make " + folder.string() + ": " + error.message()})
                                        : work(input, *files, folder);
      if (similarity.ok()) {
        entry.similarity = *similarity;
      } else {
        refuse(entry, similarity.status());
        fs::remove(folder, error);  // only where it is empty
      }
    }
    ++(entry.code == Code::ok ? counts.done : counts.refused);
    entry.seconds = watch.seconds();
    if (Status status = ledger->record(entry); !status.ok()) return status;
    if (listener) listener(i, entry, false);
  }
  if (Status status = ledger->compact(); !status.ok()) return status;
  return counts;
}

}  // namespace likeness
