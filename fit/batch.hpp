// Many photos, one after another: names, resuming, refusals, counts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "fit/ledger.hpp"
#include "likeness/status.hpp"

namespace likeness {

/// One photo to do, or several of one person together.
struct BatchInput {
  std::filesystem::path file;
  std::string stem;                     ///< unique in the batch: the file's stem, or STEM-2, STEM-3 ... in the order given
  Status status;                        ///< not ok: known to be no photo (a folder without pictures), to be refused
  std::vector<BatchInput> others = {};  ///< further photos, fitted together with this one; they have no others of their own
};

/// Files as given; of a folder, the entries whose names end like a picture's (jpg jpeg png bmp, and formats that are refused by name:
/// gif webp tif tiff heic heif avif), sorted by name, not recursive, without hidden ones.
std::vector<BatchInput> list_inputs(std::span<const std::string> arguments);

/// Photos (at least one) of one person as one input, under the name of the first.
BatchInput group_inputs(std::vector<BatchInput> photos);

/// What became of a batch. total = done + refused + resumed, always.
struct BatchCounts {
  int total = 0;
  int done = 0;     ///< in this run
  int refused = 0;  ///< in this run, or in an earlier one for a reason that lies in the photo
  int resumed = 0;  ///< done in an earlier run
};

/// The contents of an input's files: its own, then the others'.
using BatchFiles = std::vector<std::vector<std::uint8_t>>;
/// What a batch does with an input: reads `files`, writes its results into `folder` (which exists), returns the similarity.
using BatchWork = std::function<Result<double>(const BatchInput& input, const BatchFiles& files, const std::filesystem::path& folder)>;
/// Told after every photo; `resumed`: nothing was done, the entry is an earlier run's.
using BatchListener = std::function<void(std::size_t index, const LedgerEntry& entry, bool resumed)>;

/// Works through the inputs and keeps OUT/ledger.jsonl, one line an input: photos that go together are done or refused together, with the
/// code of the one at fault and a sentence that says which. A photo is left out if the ledger has a line for its stem with the same content
/// and `options` that says done (and OUT/STEM/character.json exists, and OUT/STEM/`also` if that is not empty) or refused for a reason that
/// lies in the photo. One photo's failure never stops the others. Errors (of the batch itself): io_error, when OUT or its ledger cannot be
/// written.
Result<BatchCounts> run_batch(std::span<const BatchInput> inputs, const std::filesystem::path& out, const std::string& options,
                              const BatchWork& work, const BatchListener& listener, const std::filesystem::path& also = {});

}  // namespace likeness
