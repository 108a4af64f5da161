#include "fit/html_sliders.hpp"

#include <algorithm>
#include <vector>

#include "fit/html.hpp"
#include "fit/html_plot.hpp"

namespace likeness::html {
namespace {

std::string slider(const Parameter& p, double x) {
  const int decimals = p.maximum - p.minimum >= 20 ? 1 : 2;
  const auto client = [decimals](double value) { return number(value, decimals); };
  const std::string range = client(p.minimum) + " to " + client(p.maximum) + ", default " + client(p.neutral);
  return "<div class=\"row\" title=\"" + range + "\"><span>" + text(p.name) + "</span>" + bar(0.5, std::clamp(x, 0.0, 1.0), "middle") +
         "<span>" + client(p.to_client(x)) + "</span></div>\n";
}

std::string mixture(const Parameter& p, std::span<const float> x) {
  std::string out = "<div class=\"row\"><span>" + text(p.name) + "</span><span></span><span></span></div>\n";
  for (std::size_t i = 0; i < p.options.size(); ++i) {
    const double share = static_cast<double>(x[p.offset + i]);
    out += "<div class=\"row part\"><span>" + text(p.options[i]) + "</span>" + bar(0, std::clamp(share, 0.0, 1.0), "") + "<span>" +
           number(100 * share, 0) + " %</span></div>\n";
  }
  return out;
}

std::string choice(const Parameter& p, std::size_t chosen) {
  std::string out = "<div class=\"row\" title=\"default " + text(p.options[p.default_option]) + "\"><span>" + text(p.name) +
                    "</span><span class=\"words\">";
  for (std::size_t i = 0; i < p.options.size(); ++i) {
    const std::string word = text(p.options[i]);
    out += (i == 0 ? "" : " · ") + (i == chosen ? "<b>" + word + "</b>" : word);
  }
  return out + "</span></div>\n";
}

}  // namespace

std::string sliders(const Schema& schema, std::span<const float> x, ParameterRole role, std::span<const GroupConfidence> confidence) {
  std::vector<std::string> groups;
  for (const Parameter& p : schema.parameters()) {
    if (p.role == role && std::ranges::find(groups, p.group) == groups.end()) groups.push_back(p.group);
  }
  std::string out = std::string("<div class=\"groups") + (role == ParameterRole::nuisance ? " nuisance" : "") + "\">\n";
  for (const std::string& group : groups) {
    out += "<section class=\"group\"><h3>" + text(group);
    const auto known = std::ranges::find(confidence, group, &GroupConfidence::group);
    if (role == ParameterRole::identity && known != confidence.end()) {
      out += "<small title=\"the loss rises by " + number(known->rise, 4) + " with this group at the average\">confidence " +
             number(known->confidence, 2) + "</small>" + bar(0, known->confidence, "sure");
    }
    out += "</h3>\n";
    for (const Parameter& p : schema.parameters()) {
      if (p.role != role || p.group != group) continue;
      switch (p.type) {
        case ParameterType::continuous:
          out += slider(p, static_cast<double>(x[p.offset]));
          break;
        case ParameterType::simplex:
          out += mixture(p, x);
          break;
        case ParameterType::choice:
          out += choice(p, schema.chosen(p, x));
      }
    }
    out += "</section>\n";
  }
  return out + "</div>\n";
}

}  // namespace likeness::html
