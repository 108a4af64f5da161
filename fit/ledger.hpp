// ledger.jsonl: what became of every photo, one line each, so that a second run resumes and the counts always add up.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>

#include "likeness/status.hpp"

namespace likeness {

/// One photo, or several of one person that were fitted together.
struct LedgerEntry {
  std::string stem;       ///< its folder under the output folder; unique in a ledger
  std::string photo;      ///< path as given; of several, all
  std::string sha256;     ///< of the file's bytes, of several that of their SHA-256s; empty where one could not be read
  std::string options;    ///< key of everything else that the result depends on
  Code code = Code::ok;   ///< ok: done; anything else: refused
  std::string message;    ///< why it was refused
  double seconds = 0;     ///< wall-clock
  double similarity = 0;  ///< done only; of several, the mean
};

/// The ledger of an output folder. A line is appended and synced as soon as a photo is finished, so a killed run loses at most the photo in
/// work; a line torn by a crash is dropped at the next open().
class Ledger {
 public:
  /// Reads FOLDER/ledger.jsonl; the file need not exist, the folder must. Lines that are none of ours are dropped, of several lines with
  /// one stem the last counts. Errors: io_error.
  static Result<Ledger> open(const std::filesystem::path& folder);

  /// nullptr when there is no such line.
  const LedgerEntry* find(const std::string& stem) const;
  /// Adds a line, or replaces the one with its stem. Errors: io_error.
  Status record(LedgerEntry entry);
  /// Rewrites the file with one line a stem, in the order of stems, if it is not so already. Errors: io_error.
  Status compact();

  std::size_t size() const { return entries_.size(); }
  /// By stem.
  const std::map<std::string, LedgerEntry>& entries() const { return entries_; }

 private:
  std::filesystem::path path_;
  std::map<std::string, LedgerEntry> entries_;
  bool tidy_ = true;  // the file has exactly one line for each entry
};

/// The line of an entry, without the newline.
std::string ledger_line(const LedgerEntry& entry);

}  // namespace likeness
