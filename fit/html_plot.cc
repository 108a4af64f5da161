#include "fit/html_plot.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "align/affine.hpp"
#include "fit/html.hpp"

namespace likeness::html {
namespace {

struct Line {
  std::size_t first, last;
  bool closed;
  std::size_t part;  // of kParts
};
constexpr std::array<const char*, 5> kParts = {"jaw", "brows", "nose", "eyes", "mouth"};
constexpr std::array<Line, 9> kLines = {{{0, 16, false, 0},
                                         {17, 21, false, 1},
                                         {22, 26, false, 1},
                                         {27, 30, false, 2},
                                         {31, 35, false, 2},
                                         {36, 41, true, 3},
                                         {42, 47, true, 3},
                                         {48, 59, true, 4},
                                         {60, 67, true, 4}}};

std::string point(const Point& p) { return coordinate(static_cast<double>(p[0])) + " " + coordinate(static_cast<double>(p[1])); }

// Depths of features share a hue, shallow ones dark.
std::string colour_of(const std::string& term) {
  if (term.starts_with("layer") && term.size() == 6 && term[5] >= '1' && term[5] <= '4') return std::string("var(--f") + term[5] + ")";
  for (const char* known : {"probabilities", "landmarks", "colours", "prior"}) {
    if (term == known) return "var(--" + term + ")";
  }
  return "var(--other)";
}

// A step of 1, 2 or 5 times a power of ten that gives about `count` intervals.
double tick_step(double range, int count) {
  const double raw = range / count, power = std::pow(10.0, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (raw <= factor * power) return factor * power;
  }
  return 10 * power;
}

std::string legend(std::span<const double> losses, std::span<const LossCurve> curves) {
  std::string out =
      "<table><thead><tr><th>term</th><th class=\"n\">first step</th><th class=\"n\">last step</th><th class=\"n\">share</th></tr>"
      "</thead>\n<tbody>";
  const double sum = losses.back();
  const auto row = [&](const std::string& head, double first, double last, const char* look) {
    out += std::string("<tr") + look + "><th>" + head + "</th><td class=\"n\">" + number(first, 4) + "</td><td class=\"n\">" +
           number(last, 4) + "</td><td class=\"n\">" + number(100 * last / sum, 0) + " %</td></tr>\n";
  };
  for (std::size_t t = curves.size(); t-- > 0;) {
    const std::string swatch = "<span class=\"swatch\" style=\"background:" + colour_of(curves[t].name) + "\"></span>";
    row(swatch + text(curves[t].name), curves[t].values.front(), curves[t].values.back(), "");
  }
  row("loss", losses.front(), sum, " class=\"sum\"");
  return out + "</tbody></table>\n";
}

}  // namespace

std::string loss_chart(std::span<const double> losses, std::span<const LossCurve> all) {
  if (losses.empty()) return {};
  const std::size_t steps = losses.size();
  std::vector<LossCurve> curves;
  for (const LossCurve& curve : all) {
    if (curve.values.size() == steps) curves.push_back(curve);
  }
  double most = 0;
  for (const double loss : losses) most = std::max(most, std::isfinite(loss) ? loss : 0);
  if (!(most > 0)) most = 1;
  const double step = tick_step(most, 4), top = std::ceil(most / step - 1e-9) * step;
  // One step is drawn as a level line.
  const std::size_t points = std::max<std::size_t>(steps, 2);
  const auto at = [&](std::size_t i, double value) {
    const double x = 1000 * static_cast<double>(i) / static_cast<double>(points - 1), y = 1000 * (1 - std::clamp(value / top, 0.0, 1.0));
    return coordinate(x) + " " + coordinate(y);
  };
  const auto value_at = [steps](std::span<const double> values, std::size_t i) { return values[std::min(i, steps - 1)]; };

  std::string svg, marks;
  const int decimals = std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 6);
  for (int k = 0; k * step <= top * (1 + 1e-9); ++k) {
    const double share = k * step / top;
    svg += "<path class=\"grid\" d=\"M0 " + coordinate(1000 * (1 - share)) + "H1000\"/>";
    marks += "<span class=\"y\" style=\"bottom:" + coordinate(100 * share) + "%\">" + number(k * step, decimals) + "</span>";
  }
  std::vector<double> below(points, 0.0);
  for (const LossCurve& curve : curves) {
    std::string upper, lower;
    for (std::size_t i = points; i-- > 0;) lower += "L" + at(i, below[i]);
    for (std::size_t i = 0; i < points; ++i) {
      below[i] += value_at(curve.values, i);
      upper += (i == 0 ? "M" : "L") + at(i, below[i]);
    }
    svg += "<path class=\"area\" style=\"fill:" + colour_of(curve.name) + "\" d=\"" + upper + lower + "Z\"><title>" + text(curve.name) +
           "</title></path>\n";
  }
  std::string total;
  for (std::size_t i = 0; i < points; ++i) total += (i == 0 ? "M" : "L") + at(i, value_at(losses, i));
  svg += "<path class=\"total\" d=\"" + total + "\"/>";
  if (steps == 1) {
    marks += "<span class=\"x\" style=\"left:50%\">1</span>";
  } else {
    const auto every = static_cast<std::size_t>(std::max(1.0, tick_step(static_cast<double>(steps), 6)));
    for (std::size_t i = 1; i <= steps; i = i == 1 && every > 1 ? every : i + every) {
      const double x = 100 * static_cast<double>(i - 1) / static_cast<double>(steps - 1);
      marks += "<span class=\"x\" style=\"left:" + coordinate(x) + "%\">" + std::to_string(i) + "</span>";
    }
  }
  return "<div class=\"loss\"><div class=\"chart\"><svg viewBox=\"0 0 1000 1000\" preserveAspectRatio=\"none\" role=\"img\" "
         "aria-label=\"The loss by term over the iterations\">" +
         svg + "</svg>" + marks + "<span class=\"ytitle\">loss</span><span class=\"xtitle\">iteration</span></div>\n" +
         legend(losses, curves) + "</div>\n";
}

std::string landmark_shapes(const Landmarks& landmarks, std::string_view look, bool halo) {
  std::string lines, dots;
  for (const Line& line : kLines) {
    for (std::size_t i = line.first; i <= line.last; ++i) lines += (i == line.first ? "M" : "L") + point(landmarks[i]);
    if (line.closed) lines += "Z";
  }
  for (const Point& p : landmarks) {
    dots += "<circle cx=\"" + coordinate(static_cast<double>(p[0])) + "\" cy=\"" + coordinate(static_cast<double>(p[1])) + "\" r=\"2.6\"/>";
  }
  const std::string name(look);
  return (halo ? "<path class=\"halo\" d=\"" + lines + "\"/>" : "") + "<path class=\"shape " + name + "\" d=\"" + lines +
         "\"/><g class=\"" + name + "\">" + dots + "</g>";
}

std::string landmark_frame(const Landmarks& a, const Landmarks& b) {
  Point low = a[0], high = a[0];
  for (const Landmarks* landmarks : {&a, &b}) {
    for (const Point& p : *landmarks) {
      for (std::size_t k = 0; k < 2; ++k) low[k] = std::min(low[k], p[k]), high[k] = std::max(high[k], p[k]);
    }
  }
  const double side = 1.16 * static_cast<double>(std::max(high[0] - low[0], high[1] - low[1]));
  std::string out;
  for (std::size_t k = 0; k < 2; ++k) out += coordinate((static_cast<double>(low[k]) + static_cast<double>(high[k]) - side) / 2) + " ";
  return out + coordinate(side) + " " + coordinate(side);
}

std::string landmark_links(const Landmarks& a, const Landmarks& b) {
  std::string lines;
  for (std::size_t i = 0; i < a.size(); ++i) lines += "M" + point(a[i]) + "L" + point(b[i]);
  return "<path class=\"apart\" d=\"" + lines + "\"/>";
}

std::string landmark_table(const Landmarks& a, const Landmarks& b) {
  struct Sum {
    double sum = 0, most = 0, count = 0;
  };
  std::array<Sum, kParts.size()> parts{};
  Sum inner;
  const double unit = interocular_distance(a) / 100;
  for (const Line& line : kLines) {
    for (std::size_t i = line.first; i <= line.last; ++i) {
      const double apart = static_cast<double>(std::hypot(a[i][0] - b[i][0], a[i][1] - b[i][1])) / unit;
      for (Sum* sum : {&parts[line.part], i >= kFirstInnerLandmark ? &inner : nullptr}) {
        if (sum != nullptr) sum->sum += apart, sum->most = std::max(sum->most, apart), sum->count += 1;
      }
    }
  }
  std::string out = "<table><thead><tr><th>distance</th><th class=\"n\">mean</th><th class=\"n\">largest</th></tr></thead>\n<tbody>";
  const auto row = [&out](const char* name, const Sum& sum, const char* look) {
    out += std::string("<tr") + look + "><th>" + name + "</th><td class=\"n\">" + number(sum.sum / sum.count, 1) +
           " %</td><td class=\"n\">" + number(sum.most, 1) + " %</td></tr>\n";
  };
  for (std::size_t k = 0; k < parts.size(); ++k) row(kParts[k], parts[k], "");
  row("without the jaw", inner, " class=\"sum\"");
  return out + "</tbody></table>\n";
}

std::string bar(double from, double to, std::string_view look) {
  return "<span class=\"track " + std::string(look) + "\"><i style=\"left:" + coordinate(100 * std::min(from, to)) +
         "%;width:" + coordinate(100 * std::abs(to - from)) + "%\"></i></span>";
}

}  // namespace likeness::html
