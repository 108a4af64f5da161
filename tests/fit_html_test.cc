#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "fit/batch.hpp"
#include "fit/html.hpp"
#include "fit/html_plot.hpp"
#include "fit/html_report.hpp"
#include "fit/report.hpp"
#include "fit_fixture.hpp"
#include "image/encode.hpp"

namespace likeness {
namespace {

namespace fs = std::filesystem;

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::vector<std::string> all(const std::string& text, const std::string& pattern) {
  const std::regex expression(pattern);
  std::vector<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), expression), end; at != end; ++at) found.push_back((*at)[1]);
  return found;
}

// Pictures without what they hold, which std::regex would recurse over.
std::string without_data(std::string page) {
  for (std::size_t at = page.find("base64,"); at != std::string::npos; at = page.find("base64,", at + 7)) {
    page.erase(at + 7, page.find('"', at) - at - 7);
  }
  return page;
}

// Nothing loads from elsewhere, nothing runs, and every element that must be closed is.
void expect_self_contained(const std::string& full) {
  const std::string page = without_data(full);
  for (const char* bad : {"http:", "https:", "//", "<script", "@import", "url(", "javascript:"}) {
    EXPECT_FALSE(has(page, bad)) << bad;
  }
  EXPECT_TRUE(all(page, "<[^>]* (on[a-z]+)=").empty());
  for (const std::string& source : all(page, "src=\"([^\"]*)")) EXPECT_EQ(source, "data:image/png;base64,");
  for (const std::string& target : all(page, "href=\"([^\"]*)")) {
    EXPECT_TRUE(target.starts_with("#") || target == "data:image/png;base64," || target == "../index.html" ||
                std::regex_match(target, std::regex("[A-Za-z0-9._~%-]+/report\\.html")))
        << target;
  }
  std::vector<std::string> open;
  const std::string body = page.substr(page.find("<main>"));
  static const std::regex tags("<(/?)([a-z0-9]+)[^>]*?(/?)>");
  for (std::sregex_iterator at(body.begin(), body.end(), tags), end; at != end; ++at) {
    const std::string name = (*at)[2];
    if ((*at)[3] == "/" || name == "img") continue;
    if ((*at)[1] != "/") {
      open.push_back(name);
    } else if (name != "html") {
      ASSERT_FALSE(open.empty()) << name;
      EXPECT_EQ(open.back(), name);
      open.pop_back();
    }
  }
  EXPECT_TRUE(open.empty());
}

struct Fitted {
  std::shared_ptr<const Model> model = test::small_model();
  FitOptions options{.iterations = 8};
  FitResult result;

  Fitted() {
    std::vector<float> x = model->schema().default_vector();
    x[0] = 0.9F;
    const Rendering truth = *model->client().render(x, {.size = 512});
    Fitter fitter(model);
    result = *fitter.fit_framed({512, 512, truth.rgb}, truth.landmarks, options);
  }
};

const Fitted& fitted() {
  static const Fitted once;
  return once;
}

constexpr const char* kHostile = "<img src=x onerror=alert(1)>\"'&\x01\xff";
constexpr const char* kHarmless = "&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;__";

TEST(Html, TextIsEscapedAndSegmentsAreOneSegment) {
  EXPECT_EQ(html::text(kHostile), kHarmless);
  EXPECT_EQ(html::text("Zoë 山"), "Zoë 山");
  EXPECT_EQ(html::segment("a b/c?d#e%\"\xff.x"), "a%20b%2Fc%3Fd%23e%25%22%FF.x");
  EXPECT_EQ(html::segment("javascript:alert(1)"), "javascript%3Aalert%281%29");
  EXPECT_EQ(html::number(-0.125, 2), "−0.12");
  EXPECT_EQ(html::number(-0.001, 2), "0.00");
  EXPECT_EQ(html::number(std::nan(""), 2), "–");
  EXPECT_EQ(html::coordinate(12.50), "12.5");
  EXPECT_EQ(html::coordinate(-3), "-3");
  EXPECT_EQ(html::coordinate(100), "100");
}

TEST(Html, PicturesAreTheirBytes) {
  for (const int width : {64, 65, 66}) {  // each length of the last three bytes
    const Image image(width, 64, 3);
    const std::vector<std::uint8_t> png = *encode_png(image);
    const std::string address = *html::data_address(image), digits = address.substr(address.find(',') + 1);
    static const std::string order = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::vector<std::uint8_t> back;
    std::uint32_t bits = 0, count = 0;
    for (const char c : digits) {
      if (c == '=') break;
      bits = bits << 6 | static_cast<std::uint32_t>(order.find(c));
      if ((count += 6) >= 8) back.push_back(static_cast<std::uint8_t>(bits >> (count -= 8)));
    }
    EXPECT_EQ(back, png);
    EXPECT_EQ(digits.size() % 4, 0U);
  }
  EXPECT_FALSE(html::data_address({}).ok());
}

TEST(HtmlReport, IsSelfContainedAndShowsEverything) {
  FitResult result = fitted().result;
  result.notes = {"Glasses <are> not expressed."};
  result.posed_labels = result.photo_labels;  // the small client draws none
  const Schema& schema = fitted().model->schema();
  const std::string page = *html_report(*fitted().model, result, fitted().options, "person", "person.jpg");
  expect_self_contained(page);
  for (const Parameter& p : schema.parameters()) {
    EXPECT_TRUE(has(page, ">" + p.name + "</span>")) << p.name;
    EXPECT_TRUE(has(page, "<h3>" + p.group)) << p.group;
    for (const std::string& option : p.options) EXPECT_TRUE(has(page, option)) << option;
  }
  EXPECT_TRUE(has(page, "<b>" + schema.find("hat")->options[schema.chosen(*schema.find("hat"), result.character.x)] + "</b>"));
  for (const LossCurve& curve : result.curves) EXPECT_TRUE(has(page, "</span>" + curve.name + "</th>")) << curve.name;
  EXPECT_EQ(all(without_data(page), "(class=\"area\")").size(), result.curves.size());
  for (const GroupConfidence& group : result.groups) EXPECT_TRUE(has(page, "confidence " + html::number(group.confidence, 2)));
  for (const std::string& part : {html::number(result.similarity, 3), html::number(result.imitator_gap, 4), schema.hash(), schema.name(),
                                  std::string("Glasses &lt;are&gt; not expressed."), std::string("person.jpg")}) {
    EXPECT_TRUE(has(page, part)) << part;
  }
  EXPECT_EQ(all(without_data(page), "(<circle)").size(), 4U * 68);  // on the photo, on the client's picture, and both
  EXPECT_EQ(all(without_data(page), "(base64,)").size(), 6U);
}

TEST(HtmlReport, HostileNamesAreEscaped) {
  const std::string page = *html_report(*fitted().model, fitted().result, fitted().options, kHostile, std::string(kHostile) + ".jpg");
  expect_self_contained(page);
  EXPECT_FALSE(has(page, "<img src=x"));
  EXPECT_TRUE(has(page, std::string(kHarmless) + ".jpg"));
  EXPECT_TRUE(has(page, "<title>" + std::string(kHarmless)));
}

TEST(HtmlReport, AnEarlyEndLeavesOutWhatIsNotKnown) {
  FitResult result = fitted().result;
  result.groups.clear();
  result.curves.clear();
  result.losses.resize(1);
  result.photo_labels = {};
  result.posed_labels = {};
  result.losses[0] = std::nan("");
  const std::string page = *html_report(*fitted().model, result, fitted().options, "person", "person.jpg");
  expect_self_contained(page);
  EXPECT_FALSE(has(page, "confidence "));
  EXPECT_FALSE(has(page, "Regions of"));
  EXPECT_FALSE(has(without_data(page), "nan"));
  result.character.x.pop_back();
  EXPECT_EQ(html_report(*fitted().model, result, fitted().options, "person", "person.jpg").status().code, Code::invalid_argument);
}

// ---- The index ------------------------------------------------------------------------------------------------------------

class HtmlIndex : public ::testing::Test {
 protected:
  void SetUp() override { fs::create_directories(in()); }
  fs::path in() const { return folder_.path() / "in"; }
  fs::path out() const { return folder_.path() / "out"; }

  void photo(const std::string& name, std::string_view bytes) { ASSERT_TRUE(write_file_atomic(in() / name, bytes).ok()); }

  // A batch as the command runs it; a photo that says "bad" is refused.
  BatchCounts run(bool report) {
    const BatchWork work = [&](const BatchInput& input, const BatchFiles& files, const fs::path& folder) -> Result<double> {
      if (std::string(files[0].begin(), files[0].end()) == "bad") return Status{Code::no_face, "no <face> in it"};
      const Fitted& f = fitted();
      if (Status status = write_result(folder, input.stem, *f.model, f.result, f.options); !status.ok()) return status;
      if (report) {
        const Status status = write_html_report(folder, *f.model, f.result, f.options, input.stem, input.file.filename().string());
        if (!status.ok()) return status;
      }
      return 0.625;
    };
    const auto counts =
        run_batch(list_inputs(std::vector<std::string>{in().string()}), out(), options_, work, {}, report ? "report.html" : "");
    if (report || has_html_index(out())) {
      EXPECT_TRUE(write_html_index(out()).ok());
    }
    return *counts;
  }
  std::string index() const { return *read_text_file(out() / "index.html"); }

  test::TemporaryFolder folder_;
  std::string options_ = "options";
};

TEST_F(HtmlIndex, ListsDoneAndRefusedWithLinks) {
  photo("a.jpg", "good");
  photo("b & <c> #1?.jpg", "good");
  photo("d'<e>.jpg", "bad");
  run(true);
  expect_self_contained(index());
  EXPECT_EQ(all(without_data(index()), "class=\"card\" href=\"([^\"]*)"),
            (std::vector<std::string>{"a/report.html", "b%20%26%20%3Cc%3E%20%231%3F/report.html"}));
  EXPECT_EQ(all(without_data(index()), "(base64,)").size(), 4U);
  for (const char* part : {"3 photos", "2 done, 1 refused", "<bdi>b &amp; &lt;c&gt; #1?</bdi>", "d&#39;&lt;e&gt;.jpg", "NO_FACE",
                           "no &lt;face&gt; in it", "0.625"}) {
    EXPECT_TRUE(has(index(), part)) << part;
  }
}

TEST_F(HtmlIndex, AResumedRunListsWhatEarlierRunsDid) {
  photo("a.jpg", "good");
  run(true);
  const std::string before = *read_text_file(out() / "a" / "report.html");
  fs::rename(in() / "a.jpg", folder_.path() / "elsewhere.jpg");
  photo("b.jpg", "good");
  photo("c.jpg", "bad");
  run(true);
  EXPECT_EQ(all(without_data(index()), "class=\"card\" href=\"([^\"]*)"), (std::vector<std::string>{"a/report.html", "b/report.html"}));
  EXPECT_TRUE(has(index(), "NO_FACE"));
  const BatchCounts again = run(true);
  EXPECT_EQ(again.resumed, 1);
  EXPECT_EQ(again.done, 0);
  EXPECT_EQ(*read_text_file(out() / "a" / "report.html"), before);
}

TEST_F(HtmlIndex, APhotoWithoutAPageIsFittedAgainWhereAPageIsAskedFor) {
  photo("a.jpg", "good");
  photo("bad.jpg", "bad");
  run(false);
  EXPECT_FALSE(fs::exists(out() / "index.html"));
  const std::string character = *read_text_file(out() / "a" / "character.json");
  ASSERT_TRUE(write_html_index(out()).ok());  // listed, without a link
  EXPECT_TRUE(all(without_data(index()), "(href=)").empty());
  EXPECT_TRUE(has(index(), "<bdi>a</bdi>"));
  EXPECT_TRUE(has(index(), "no report"));
  EXPECT_EQ(run(true).done, 1);
  EXPECT_EQ(run(true).resumed, 1);
  EXPECT_EQ(run(false).resumed, 1);  // the key is the same
  EXPECT_TRUE(has(index(), "href=\"a/report.html\""));
  EXPECT_EQ(*read_text_file(out() / "a" / "character.json"), character);
}

TEST_F(HtmlIndex, AFitWithoutAPageTakesTheOldPageAway) {
  photo("a.jpg", "good");
  run(true);
  options_ = "other options";
  EXPECT_EQ(run(false).done, 1);
  EXPECT_FALSE(fs::exists(out() / "a" / "report.html"));
  EXPECT_FALSE(has(without_data(index()), "href="));
  ASSERT_TRUE(write_file_atomic(out() / "index.html", std::string_view("<!doctype html>somebody's own")).ok());
  run(false);
  EXPECT_EQ(index(), "<!doctype html>somebody's own");
}

TEST_F(HtmlIndex, FollowsNoStemOutOfTheFolder) {
  fs::create_directories(out());
  ASSERT_TRUE(write_file_atomic(folder_.path() / "report.html", std::string_view("not ours")).ok());
  std::string lines;
  for (const char* stem : {"..", ".", "../in", "x/..", "javascript:alert(1)"}) {
    lines += ledger_line({stem, "x.jpg", "ab", "key", Code::ok, "", 1, 0.5}) + "\n";
  }
  ASSERT_TRUE(write_file_atomic(out() / "ledger.jsonl", lines).ok());
  ASSERT_TRUE(write_html_index(out()).ok());
  EXPECT_FALSE(has(index(), "href="));
  EXPECT_TRUE(has(index(), "5 done"));
}

}  // namespace
}  // namespace likeness
