#include <algorithm>
#include <cmath>
#include <fstream>
#include <system_error>
#include <vector>

#include "base/file.hpp"
#include "base/parallel.hpp"
#include "fit/html.hpp"
#include "fit/html_report.hpp"
#include "fit/ledger.hpp"
#include "image/decode.hpp"
#include "image/resample.hpp"

namespace likeness {
namespace {

namespace fs = std::filesystem;
using html::number;
using html::text;

constexpr int kThumb = 128;

// A small copy of a picture of ours; empty where it cannot be read, which is no reason to leave the photo out.
std::string thumb(const fs::path& file) {
  const Result<std::vector<std::uint8_t>> bytes = read_file(file, std::size_t{64} << 20);
  if (!bytes.ok()) return {};
  const Result<Image> picture = decode_photo(*bytes);
  if (!picture.ok()) return {};
  const Result<Image> small = resize(*picture, kThumb, kThumb, Filter::box);
  if (!small.ok()) return {};
  const Result<std::string> address = html::data_address(*small);
  return address.ok() ? *address : std::string();
}

std::string picture(const fs::path& file, const char* alt) {
  const std::string address = thumb(file);
  return address.empty() ? "<span></span>" : std::string("<img alt=\"") + alt + "\" src=\"" + address + "\">";
}

// Empty where there is no page. A stem comes from a file that anybody may have edited: only a plain name of a folder is followed.
std::string link_to(const fs::path& out, const LedgerEntry& entry) {
  std::error_code error;
  const bool plain = fs::path(entry.stem).filename() == entry.stem && !entry.stem.starts_with('.');
  return plain && fs::exists(out / entry.stem / "report.html", error) ? html::segment(entry.stem) + "/report.html" : std::string();
}

std::string card(const fs::path& out, const LedgerEntry& entry) {
  const std::string link = link_to(out, entry), tag = link.empty() ? "div" : "a";
  const fs::path folder = out / fs::path(entry.stem).filename();
  return "<li><" + tag + " class=\"card\"" + (link.empty() ? "" : " href=\"" + link + "\"") + "><span class=\"pair\">" +
         picture(folder / "aligned.png", "Photo") + picture(folder / "rendered.png", "Character") + "</span><span class=\"name\"><bdi>" +
         text(entry.stem) + "</bdi><span>" + number(entry.similarity, 3) + "</span></span>" +
         (link.empty() ? "<span class=\"soft\">no report</span>" : "") + "</" + tag + "></li>\n";
}

// Each photo a dot over the similarity, to see the odd ones.
std::string strip(const fs::path& out, const std::vector<const LedgerEntry*>& done) {
  const auto [least, most] = std::ranges::minmax(done, {}, [](const LedgerEntry* entry) { return entry->similarity; });
  const double step = most->similarity - least->similarity > 0.2 ? 0.1 : 0.02;
  const double from = std::floor(least->similarity / step) * step;
  const int intervals = std::max(1, static_cast<int>(std::ceil((most->similarity - from) / step)));
  std::string marks = "<div class=\"strip\" aria-label=\"Similarities\">";
  const auto place = [&](double value) { return "style=\"left:" + html::coordinate(100 * (value - from) / (step * intervals)) + "%\""; };
  for (int k = 0; k <= intervals; ++k) marks += "<span " + place(from + k * step) + ">" + number(from + k * step, 2) + "</span>";
  for (const LedgerEntry* entry : done) {
    const std::string link = link_to(out, *entry), tag = link.empty() ? "b" : "a";
    marks += "<" + tag + " " + place(entry->similarity) + " title=\"" + text(entry->stem) + " " + number(entry->similarity, 3) + "\"" +
             (link.empty() ? "" : " href=\"" + link + "\"") + "></" + tag + ">\n";
  }
  return marks + "</div>\n";
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t n = values.size();
  return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

}  // namespace

Result<std::string> html_index(const fs::path& out) {
  const Result<Ledger> ledger = Ledger::open(out);
  if (!ledger.ok()) return ledger.status();
  std::vector<const LedgerEntry*> done, refused;
  std::vector<double> similarities, seconds;
  for (const auto& [stem, entry] : ledger->entries()) {
    (entry.code == Code::ok ? done : refused).push_back(&entry);
    if (entry.code == Code::ok) similarities.push_back(entry.similarity), seconds.push_back(entry.seconds);
  }
  const std::size_t count = done.size() + refused.size();
  std::string body = "<header><h1>" + std::to_string(count) + (count == 1 ? " photo" : " photos") + "</h1>\n<p class=\"soft\">" +
                     std::to_string(done.size()) + " done, " + std::to_string(refused.size()) + " refused";
  if (!done.empty())
    body += "; median similarity " + number(median(similarities), 3) + ", median time " + number(median(seconds), 1) + " s";
  body += "</p></header>\n";
  if (done.size() > 1) body += strip(out, done);
  std::vector<std::string> cards(done.size());
  parallel_for(static_cast<std::int64_t>(done.size()), [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    cards[at] = card(out, *done[at]);
  });
  if (!done.empty()) body += "<ul class=\"cards\">\n";
  for (const std::string& each : cards) body += each;
  if (!done.empty()) body += "</ul>\n";
  if (!refused.empty()) {
    body += "<h2>Refused</h2>\n<table class=\"refused\"><tbody>\n";
    for (const LedgerEntry* entry : refused) {
      body += "<tr><td><bdi>" + text(fs::path(entry->photo).filename().string()) + "</bdi></td><td>" + code_name(entry->code) +
              "</td><td>" + text(entry->message) + "</td></tr>\n";
    }
    body += "</tbody></table>\n";
  }
  body += "<footer>likeness " LIKENESS_VERSION ". Left: the photo; right: the character; the number: the similarity.</footer>\n";
  return html::page(std::to_string(count) + (count == 1 ? " photo" : " photos") + std::string(" - likeness"), body);
}

bool has_html_index(const fs::path& out) {
  std::ifstream file(out / "index.html", std::ios::binary);
  std::string start(1000, '\0');
  file.read(start.data(), static_cast<std::streamsize>(start.size()));
  return start.find(html::kMark) != std::string::npos;
}

Status write_html_index(const fs::path& out) {
  const Result<std::string> page = html_index(out);
  return page.ok() ? write_file_atomic(out / "index.html", *page) : page.status();
}

}  // namespace likeness
