// likeness dataset: random characters with their pictures, into a folder or as a stream for training.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <bit>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include "base/file.hpp"
#include "base/parallel.hpp"
#include "cli/common.hpp"
#include "image/encode.hpp"
#include "likeness/scene.hpp"
#include "scene/random.hpp"

namespace likeness::cli {
namespace {

static_assert(std::endian::native == std::endian::little, "records and .npy files are little endian");

struct DatasetArguments {
  std::int64_t count = 0, first = 0;
  std::uint64_t seed = 0;
  std::string output, shard = "0/1", draw = "human", scene, model;
  bool stream = false, labels = false;
  int size = 512, threads = 0, supersample = 2;
  double glasses = 0;
};

// One rendered character; `file` and `labels_file` hold PNG bytes when a folder is written.
struct Record {
  Status status;
  std::vector<float> x;
  Rendering rendering;
  std::vector<std::uint8_t> file, labels_file;
};

template <class T>
void append(std::vector<std::uint8_t>& bytes, const T* values, std::size_t count) {
  const auto* p = reinterpret_cast<const std::uint8_t*>(values);
  bytes.insert(bytes.end(), p, p + count * sizeof(T));
}

// A NumPy file, format 1.0, of float32 values in C order.
std::vector<std::uint8_t> npy(const std::string& shape, const std::vector<float>& values) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + shape + "), }";
  constexpr std::size_t prefix = 10;
  header.append(63 - (prefix + header.size()) % 64, ' ');
  header.push_back('\n');
  std::vector<std::uint8_t> bytes = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
  const auto length = static_cast<std::uint16_t>(header.size());
  append(bytes, &length, 1);
  append(bytes, header.data(), header.size());
  append(bytes, values.data(), values.size());
  return bytes;
}

// Takes finished records in order.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual bool wants_png() const = 0;
  virtual Status begin(const Schema& schema, std::int64_t count) = 0;
  /// `closed` becomes true when nobody reads any more, which ends the work without an error.
  virtual Status put(const Record& record, bool& closed) = 0;
  virtual Status end() = 0;
};

// The stream format: a JSON line, then records of x, landmarks, RGB and labels.
class StreamSink final : public Sink {
 public:
  explicit StreamSink(const DatasetArguments& arguments) : arguments_(arguments) {}
  bool wants_png() const override { return false; }
  Status begin(const Schema& schema, std::int64_t count) override {
    const std::string line = "{\"format\":\"likeness-stream\",\"version\":1,\"count\":" + std::to_string(count) +
                             ",\"parameters\":" + std::to_string(schema.size()) + ",\"size\":" + std::to_string(arguments_.size) +
                             ",\"labels\":" + (arguments_.labels ? "true" : "false") + ",\"schema\":\"" + schema.hash() + "\"}\n";
    bytes_.assign(line.begin(), line.end());
    return {};
  }
  Status put(const Record& record, bool& closed) override {
    append(bytes_, record.x.data(), record.x.size());
    append(bytes_, record.rendering.landmarks[0].data(), 2 * record.rendering.landmarks.size());
    append(bytes_, record.rendering.rgb.data(), record.rendering.rgb.size());
    append(bytes_, record.rendering.labels.data(), record.rendering.labels.size());
    return flush(closed);
  }
  Status end() override {
    bool closed = false;
    return flush(closed);  // of an empty set the header is still to be written
  }

 private:
  Status flush(bool& closed) {
    errno = 0;
    const bool written = std::fwrite(bytes_.data(), 1, bytes_.size(), stdout) == bytes_.size() && std::fflush(stdout) == 0;
    bytes_.clear();
    if (written) return {};
    if (errno == EPIPE) {
      closed = true;
      return {};
    }
    return {Code::io_error, std::string("cannot write the stream: ") + std::strerror(errno)};
  }

  const DatasetArguments& arguments_;
  std::vector<std::uint8_t> bytes_;
};

// A folder: scene.json, NNNNNN.png, NNNNNN_labels.png; parameters.npy and landmarks.npy come last and so mark it as complete.
class FolderSink final : public Sink {
 public:
  explicit FolderSink(const DatasetArguments& arguments) : folder_(arguments.output) {}
  bool wants_png() const override { return true; }
  Status begin(const Schema& schema, std::int64_t) override {
    std::error_code error;
    std::filesystem::create_directories(folder_, error);
    if (error) return {Code::io_error, "cannot create " + folder_.string() + ": " + error.message()};
    columns_ = schema.size();
    return write_file_atomic(folder_ / "scene.json", schema.canonical_json() + "\n");
  }
  Status put(const Record& record, bool&) override {
    char name[32];
    std::snprintf(name, sizeof name, "%06lld", static_cast<long long>(rows_++));
    parameters_.insert(parameters_.end(), record.x.begin(), record.x.end());
    for (const auto& point : record.rendering.landmarks) landmarks_.insert(landmarks_.end(), point.begin(), point.end());
    Status status = write_file_atomic(folder_ / (std::string(name) + ".png"), record.file);
    if (status.ok() && !record.labels_file.empty()) {
      status = write_file_atomic(folder_ / (std::string(name) + "_labels.png"), record.labels_file);
    }
    return status;
  }
  Status end() override {
    const Status status = write_file_atomic(folder_ / "landmarks.npy", npy(std::to_string(rows_) + ", 68, 2", landmarks_));
    if (!status.ok()) return status;
    return write_file_atomic(folder_ / "parameters.npy", npy(std::to_string(rows_) + ", " + std::to_string(columns_), parameters_));
  }

 private:
  std::filesystem::path folder_;
  std::int64_t rows_ = 0;
  std::size_t columns_ = 0;
  std::vector<float> parameters_, landmarks_;
};

Record make_record(const GameClient& client, const DatasetArguments& arguments, std::int64_t index, bool png) {
  Record record;
  const auto number = static_cast<std::uint64_t>(index);
  record.x = arguments.draw == "uniform" ? draw_uniform(client.schema(), arguments.seed, number)
                                         : draw_human(client.schema(), arguments.seed, number);
  RenderOptions options;
  options.size = arguments.size;
  options.labels = arguments.labels;
  options.supersample = arguments.supersample;
  // A stream of its own, so that the characters stay the same with and without glasses.
  scene::Random random(arguments.seed ^ 0x676C6173736573U, number);
  if (random.chance(arguments.glasses)) options.glasses = random.bits() | 1U;
  auto rendering = client.render(record.x, options);
  if (!rendering.ok()) {
    record.status = rendering.status();
    return record;
  }
  record.rendering = std::move(*rendering);
  if (!png) return record;
  const auto encode = [&](const std::vector<std::uint8_t>& pixels, int channels, std::vector<std::uint8_t>& file) {
    Image image(arguments.size, arguments.size, channels);
    image.pixels = pixels;
    auto encoded = encode_png(image);
    if (encoded.ok()) {
      file = std::move(*encoded);
    } else {
      record.status = encoded.status();
    }
  };
  encode(record.rendering.rgb, 3, record.file);
  if (arguments.labels) encode(record.rendering.labels, 1, record.labels_file);
  record.rendering.rgb = {};
  return record;
}

// "I/K" -> part I (from 0) of K equal parts of [0, count).
bool shard_range(const std::string& shard, std::int64_t count, std::int64_t& begin, std::int64_t& end) {
  long long i = 0, k = 0;
  int used = 0;
  if (std::sscanf(shard.c_str(), "%lld/%lld%n", &i, &k, &used) != 2 || static_cast<std::size_t>(used) != shard.size()) return false;
  if (k < 1 || k > 1000000 || i < 0 || i >= k) return false;
  const auto bound = [&](long long part) { return count / k * part + count % k * part / k; };
  begin = bound(i);
  end = bound(i + 1);
  return true;
}

Status make_dataset(const DatasetArguments& arguments, std::int64_t begin, std::int64_t end) {
  if (arguments.threads > 0) set_default_threads(arguments.threads);
  const auto client = open_scene(arguments.scene, arguments.model);
  if (!client.ok()) return client.status();
  std::unique_ptr<Sink> sink;
  if (arguments.stream) {
    sink = std::make_unique<StreamSink>(arguments);
  } else {
    sink = std::make_unique<FolderSink>(arguments);
  }
  Status status = sink->begin((*client)->schema(), end - begin);
  if (!status.ok()) return status;
  // Enough at once to keep many cores busy, few enough that memory stays small (16 MB of a batch of 512x512).
  constexpr std::int64_t batch = 16;
  std::vector<Record> records;
  for (std::int64_t start = begin; start < end; start += batch) {
    const std::int64_t n = std::min(batch, end - start);
    records.assign(static_cast<std::size_t>(n), {});
    parallel_for(n, [&](std::int64_t i) {
      records[static_cast<std::size_t>(i)] = make_record(**client, arguments, arguments.first + start + i, sink->wants_png());
    });
    for (const Record& record : records) {
      if (!record.status.ok()) return record.status;
      bool closed = false;
      status = sink->put(record, closed);
      if (!status.ok() || closed) return status;
    }
  }
  return sink->end();
}

}  // namespace

void add_dataset_command(CLI::App& app, int& exit) {
  auto arguments = std::make_shared<DatasetArguments>();
  DatasetArguments& a = *arguments;
  CLI::App* command = app.add_subcommand("dataset", "Render random characters: a folder, or a stream of raw records for training");
  command->add_option("-n,--count", a.count, "Characters, before --shard")
      ->required()
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 40));
  command->add_option("--seed", a.seed, "Seed; character i is a function of seed and i only")->required();
  auto* output = command->add_option("-o,--output", a.output, "Folder to write");
  auto* stream = command->add_flag("--stream", a.stream, "Write records to standard output");
  output->excludes(stream);
  command->add_option("--first", a.first, "Index of the first character")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 40))
      ->capture_default_str();
  command->add_option("--shard", a.shard, "Only part I (from 0) of K: I/K")->capture_default_str();
  command->add_flag("--labels", a.labels, "Also the label maps");
  command->add_option("--draw", a.draw, "Distribution of the characters")
      ->check(CLI::IsMember({"human", "uniform"}))
      ->capture_default_str();
  command->add_option("--size", a.size, "Side in pixels")->check(CLI::Range(16, 4096))->capture_default_str();
  command->add_option("--supersample", a.supersample, "Samples a pixel and axis")->check(CLI::Range(1, 4))->capture_default_str();
  command->add_option("--glasses", a.glasses, "Share of the characters that wear glasses; labels stay those of what they cover")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--threads", a.threads, "Threads (default: all cores)")->check(CLI::Range(0, 1024));
  command->add_option("--scene", a.scene, kSceneHelp);
  command->add_option("--model", a.model, "Model folder");
  command->callback([arguments, &exit] {
    std::int64_t begin = 0, end = 0;
    if (arguments->stream == !arguments->output.empty()) throw CLI::ValidationError("dataset", "give either -o DIR or --stream");
    if (!shard_range(arguments->shard, arguments->count, begin, end)) throw CLI::ValidationError("--shard", "must be I/K with 0 <= I < K");
    if (arguments->stream) std::signal(SIGPIPE, SIG_IGN);  // the reader may stop whenever it has enough
    const Status status = make_dataset(*arguments, begin, end);
    exit = status.ok() ? exit_ok : fail(status);
  });
}

}  // namespace likeness::cli
