// report.html: what became of one photo, to look at. index.html: what became of all photos of an output folder.
#pragma once

#include <filesystem>
#include <string>

#include "likeness/likeness.hpp"

namespace likeness {

/// A page about one fit in one file, without scripts and without anything loaded from elsewhere (docs/report.md says what is on it).
/// `stem` is its title, `photo` the photo's file name. It tells the seconds that the fit took, so its bytes may differ from run to run,
/// unlike those of every other file of a fit. Errors: those of encode_png().
Result<std::string> html_report(const Model& model, const FitResult& result, const FitOptions& options, const std::string& stem,
                                const std::string& photo);

/// The page of all photos in the ledger of `out`: done ones with small copies of OUT/STEM/aligned.png and rendered.png and a link to
/// report.html where they are there, refused ones with their code and sentence. Holds times too. Errors: those of Ledger::open().
Result<std::string> html_index(const std::filesystem::path& out);

/// Writes html_report() to FOLDER/report.html. Errors: io_error, and those of html_report().
Status write_html_report(const std::filesystem::path& folder, const Model& model, const FitResult& result, const FitOptions& options,
                         const std::string& stem, const std::string& photo);
/// Whether OUT/index.html is one of ours, which a run must keep right.
bool has_html_index(const std::filesystem::path& out);
/// Writes html_index() to OUT/index.html. Errors: io_error, and those of html_index().
Status write_html_index(const std::filesystem::path& out);

}  // namespace likeness
