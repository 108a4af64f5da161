// What the pages of a fit are built of: escaped text, embedded pictures, the style.
#pragma once

#include <string>
#include <string_view>

#include "image/image.hpp"
#include "likeness/status.hpp"

namespace likeness::html {

/// Text for elements and quoted attributes: & < > " ' as entities; what is not UTF-8 or a control character becomes '_'.
std::string text(std::string_view raw);
/// One segment of a relative address: every byte but letters, digits and .-_~ percent-encoded, so that a name is no scheme and no query.
std::string segment(std::string_view raw);

/// A number with so many decimals, in any locale with a point, and a true minus sign; a dash where it is not finite.
std::string number(double value, int decimals);
/// A number for SVG and CSS: at most 2 decimals; 0 where it is not finite.
std::string coordinate(double value);

/// "data:image/png;base64,...". Errors: those of encode_png().
Result<std::string> data_address(const Image& image);

/// In the first 1000 bytes of every page.
inline constexpr std::string_view kMark = "<meta name=\"generator\" content=\"likeness ";
/// A whole page: UTF-8, style inline, a policy that lets nothing but embedded pictures load and no script run. `body` is markup.
std::string page(std::string_view title, std::string_view body);

}  // namespace likeness::html
