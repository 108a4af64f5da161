#include "fit/ledger.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "base/file.hpp"

namespace likeness {

using Json = nlohmann::ordered_json;

namespace {

std::optional<Code> code_of(std::string_view name) {
  for (int i = 0;; ++i) {
    const auto code = static_cast<Code>(i);
    if (std::string_view(code_name(code)) == "UNKNOWN") return std::nullopt;
    if (name == code_name(code)) return code;
  }
}

std::string text(const Json& line, const char* key) {
  const auto found = line.find(key);
  return found != line.end() && found->is_string() ? found->get<std::string>() : std::string();
}

double number(const Json& line, const char* key) {
  const auto found = line.find(key);
  return found != line.end() && found->is_number() ? found->get<double>() : 0;
}

std::optional<LedgerEntry> parse(std::string_view line) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  const std::optional<Code> code = code_of(text(json, "code"));
  LedgerEntry entry{text(json, "stem"),      text(json, "photo"),   text(json, "sha256"),    text(json, "options"),
                    code.value_or(Code::ok), text(json, "message"), number(json, "seconds"), number(json, "similarity")};
  if (!code || entry.stem.empty() || entry.options.empty()) return std::nullopt;
  return entry;
}

}  // namespace

std::string ledger_line(const LedgerEntry& entry) {
  Json json;
  json["stem"] = entry.stem;
  json["status"] = entry.code == Code::ok ? "done" : "refused";
  json["code"] = code_name(entry.code);
  if (entry.code == Code::ok) {
    json["similarity"] = std::round(entry.similarity * 1e4) / 1e4;
  } else {
    json["message"] = entry.message;
  }
  json["seconds"] = std::round(entry.seconds * 1e3) / 1e3;
  json["photo"] = entry.photo;
  json["sha256"] = entry.sha256;
  json["options"] = entry.options;
  // Paths need not be UTF-8; JSON must.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Ledger> Ledger::open(const std::filesystem::path& folder) {
  Ledger ledger;
  ledger.path_ = folder / "ledger.jsonl";
  const Result<std::string> file = read_text_file(ledger.path_);
  if (!file.ok()) {
    if (file.status().code == Code::not_found) return ledger;
    return file.status();
  }
  std::string_view rest = *file;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    std::optional<LedgerEntry> entry = end == std::string_view::npos ? std::nullopt : parse(rest.substr(0, end));
    if (!entry) {
      ledger.tidy_ = false;
    } else {
      std::string stem = entry->stem;
      const bool added = ledger.entries_.insert_or_assign(std::move(stem), std::move(*entry)).second;
      ledger.tidy_ = ledger.tidy_ && added;
    }
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  // A torn line must go before the next one is appended to it.
  if (Status status = ledger.compact(); !status.ok()) return status;
  return ledger;
}

const LedgerEntry* Ledger::find(const std::string& stem) const {
  const auto found = entries_.find(stem);
  return found == entries_.end() ? nullptr : &found->second;
}

Status Ledger::record(LedgerEntry entry) {
  const std::string line = ledger_line(entry) + "\n";
  const auto error = [this](const char* what) {
    return Status{Code::io_error, std::string("cannot ") + what + " " + path_.string() + ": " + std::strerror(errno)};
  };
  const int file = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0) return error("open");
  std::size_t written = 0;
  while (written < line.size()) {
    const ssize_t n = ::write(file, line.data() + written, line.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      Status status = error("write to");
      ::close(file);
      return status;
    }
    written += static_cast<std::size_t>(n);
  }
  const bool synced = ::fsync(file) == 0;
  Status status = synced ? Status::success() : error("sync");
  ::close(file);
  if (!status.ok()) return status;
  std::string stem = entry.stem;
  if (!entries_.insert_or_assign(std::move(stem), std::move(entry)).second) tidy_ = false;
  return Status::success();
}

Status Ledger::compact() {
  if (tidy_) return Status::success();
  std::string lines;
  for (const auto& [stem, entry] : entries_) lines += ledger_line(entry) + "\n";
  Status status = write_file_atomic(path_, lines);
  tidy_ = status.ok();
  return status;
}

}  // namespace likeness
