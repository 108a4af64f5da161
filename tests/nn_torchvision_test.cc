// State_dicts under torchvision's names, without metadata of ours: recognised, loaded, and equal to PyTorch
// (train/fixture_networks.py made tests/fixtures/torchvision.safetensors).
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "golden.hpp"
#include "nn/model_file.hpp"
#include "nn/random_tensors.hpp"
#include "nn/state_dict.hpp"

namespace likeness {
namespace {

using test::golden;
using test::max_norm_error;

const Safetensors& fixtures() {
  static const Safetensors file = test::golden_file("torchvision.safetensors");
  return file;
}

// The state_dict that the fixture holds under PREFIX., as a file of its own; `edit` may change its tensors.
using StateDict = std::map<std::string, Tensor<float>>;
Result<Safetensors> state_dict(const std::string& prefix, const std::function<void(StateDict&)>& edit = {},
                               const std::string& architecture = "") {
  StateDict tensors;
  for (const auto& [name, entry] : fixtures().tensors()) {
    if (name.starts_with(prefix + ".")) tensors[name.substr(prefix.size() + 1)] = golden<float>(fixtures(), name);
  }
  if (edit) edit(tensors);
  SafetensorsWriter writer;
  for (const auto& [name, tensor] : tensors) {
    std::vector<std::int64_t> shape;
    for (int i = 0; i < tensor.shape.rank(); ++i) shape.push_back(tensor.shape[i]);
    EXPECT_TRUE(writer.add(name, shape, tensor.data).ok()) << name;
  }
  if (!architecture.empty()) writer.set_metadata("architecture", architecture);
  return Safetensors::parse(*writer.bytes());
}

template <class T>
void expect_features(const ResidualNet<T>& net, const std::string& outputs, const std::vector<std::string>& taps, double tolerance) {
  const Tensor<T> picture = golden<T>(fixtures(), "picture");
  Tape<T> tape;
  const auto features = net.features(tape.constant(picture), taps);
  ASSERT_TRUE(tape.status().ok()) << tape.status().message;
  for (std::size_t i = 0; i < taps.size(); ++i) {
    const Tensor<T> expected = golden<T>(fixtures(), outputs + "." + taps[i]);
    EXPECT_EQ(features[i].shape(), expected.shape) << taps[i];
    EXPECT_LE(max_norm_error(features[i].value(), expected.data), tolerance) << outputs << " " << taps[i];
  }
}

constexpr double kDouble = 1e-6;  // the fixture is rounded to single precision, and folded weights are too
constexpr double kSingle = 1e-5;

TEST(Torchvision, BasicBlocksAreRecognised) {
  const Result<Safetensors> file = state_dict("resnet");
  ASSERT_TRUE(file.ok()) << file.status().message;
  const auto a = recognise_resnet(*file);
  ASSERT_TRUE(a.ok()) << a.status().message;
  EXPECT_FALSE(a->bottleneck);
  EXPECT_EQ(a->layers, (std::vector<int>{2, 2, 1, 1}));
  EXPECT_EQ(a->widths, (std::vector<int>{4, 5, 6, 8}));
  EXPECT_TRUE(a->stem_max_pool);
  EXPECT_EQ(a->head_classes, 0);
  const std::vector<std::string> taps{"stem", "layer1.0", "layer1", "layer2.1", "layer3", "layer4"};
  expect_features(*make_extractor<double>(*file), "resnet_out", taps, kDouble);
  expect_features(*make_extractor<float>(*file), "resnet_out", taps, kSingle);
}

TEST(Torchvision, DilatedBasicBlocks) {
  const Result<Safetensors> file = state_dict("resnet");
  auto a = recognise_resnet(*file).value();
  a.replace_stride_with_dilation = {false, true, true};
  const auto net = ResidualNet<double>::create(a, tensor_lookup(*file));
  ASSERT_TRUE(net.ok()) << net.status().message;
  expect_features(*net, "dilated_out", {"layer3", "layer4"}, kDouble);
}

TEST(Torchvision, SegmentationNetworkWithBackbone) {
  const Result<Safetensors> file = state_dict("fcn");
  ASSERT_TRUE(file.ok()) << file.status().message;
  const auto net = make_extractor<double>(*file);
  ASSERT_TRUE(net.ok()) << net.status().message;
  EXPECT_TRUE(net->architecture().bottleneck);
  EXPECT_EQ(net->architecture().head, SegmentationHead::fcn);
  EXPECT_EQ(net->architecture().head_classes, 3);
  expect_features(*net, "fcn_out", {"layer1", "layer2", "layer3", "layer4"}, kDouble);
  Tape<double> tape;
  const Tensor<double> picture = golden<double>(fixtures(), "picture");
  const Var<double> logits = net->segment(net->features(tape.constant(picture)));
  ASSERT_TRUE(tape.status().ok()) << tape.status().message;
  const Tensor<double> expected = golden<double>(fixtures(), "fcn_out.logits");
  EXPECT_EQ(logits.shape(), expected.shape);
  EXPECT_LE(max_norm_error(logits.value(), expected.data), kDouble);
}

// The shared test file lacks the 3x3 kernels of layer4: the trunk then ends before that stage.
TEST(Torchvision, AStageWithoutKernelsIsLeftOut) {
  const auto file =
      state_dict("resnet", [](StateDict& t) { std::erase_if(t, [](const auto& e) { return e.first.starts_with("layer4.0.conv"); }); });
  const auto net = make_extractor<float>(*file);
  ASSERT_TRUE(net.ok()) << net.status().message;
  EXPECT_EQ(net->architecture().layers, (std::vector<int>{2, 2, 1}));
  expect_features(*net, "resnet_out", {"layer3"}, kSingle);
}

TEST(Torchvision, SaysWhatIsWrong) {
  const auto message = [](const std::function<void(StateDict&)>& edit) {
    const auto net = make_extractor<float>(*state_dict("resnet", edit));
    EXPECT_EQ(net.status().code, Code::corrupt_model);
    return net.status().message;
  };
  const auto says = [](const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; };
  EXPECT_TRUE(says(message([](StateDict& t) { t.erase("conv1.weight"); }), "\"conv1.weight\" is missing"));
  EXPECT_TRUE(says(message([](StateDict& t) { t["conv1.weight"] = {Shape({4, 3, 3, 3}), std::vector<float>(108)}; }), "not [64, 3, 7, 7]"));
  EXPECT_TRUE(says(message([](StateDict& t) { t.erase("layer1.0.conv1.weight"); }), "layer1.0.conv1.weight\" is missing"));
  EXPECT_TRUE(says(message([](StateDict& t) {
                     t["layer1.0.conv1.weight"] = {Shape({4, 4, 1, 1}), std::vector<float>(16)};
                   }),
                   "not a 3x3 kernel"));
  EXPECT_EQ(message([](StateDict& t) { t.erase("layer2.1.conv2.weight"); }), "tensor \"layer2.1.conv2.weight\" is missing");
  EXPECT_EQ(message([](StateDict& t) { t.erase("layer2.1.bn2.running_var"); }), "tensor \"layer2.1.bn2.running_var\" is missing");
  EXPECT_TRUE(says(message([](StateDict& t) {
                     t["layer2.0.conv1.weight"] = {Shape({5, 4, 3}), std::vector<float>(60)};
                   }),
                   "not a 3x3 kernel"));
  const auto generator = make_generator<float>(*state_dict("resnet"));
  EXPECT_EQ(generator.status().code, Code::corrupt_model);
  EXPECT_TRUE(says(generator.status().message, "no architecture")) << generator.status().message;
  // Metadata that is there is believed, not guessed around.
  const auto bad = make_extractor<float>(*state_dict("resnet", {}, R"({"type": "generator"})"));
  EXPECT_EQ(bad.status().code, Code::corrupt_model);
}

// Files with metadata meet the strict rules of model files, also when they are loaded one by one.
TEST(Torchvision, MetadataIsCheckedStrictly) {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "likeness_metadata.safetensors";
  const auto load = [&](const std::string& architecture, const std::string& schema) {
    SafetensorsWriter writer;
    writer.set_metadata("architecture", architecture);
    if (!schema.empty()) writer.set_metadata("schema", schema);
    const GeneratorArchitecture small{2, {3}, ""};
    for (const auto& [name, tensor] : random_tensors(small, 1)) {
      std::vector<std::int64_t> shape;
      for (int i = 0; i < tensor.shape.rank(); ++i) shape.push_back(tensor.shape[i]);
      EXPECT_TRUE(writer.add(name, shape, tensor.data).ok());
    }
    EXPECT_TRUE(writer.save(path).ok());
    const Status generator = load_generator(path).status();
    EXPECT_NE(load_extractor(path).status().code, Code::ok);
    return generator;
  };
  const std::string good = R"({"type": "generator", "inputs": 2, "channels": [3]})";
  EXPECT_TRUE(load(good, "").ok());
  EXPECT_TRUE(load(good, std::string(64, 'a')).ok());
  for (const auto& [architecture, schema] : std::vector<std::pair<std::string, std::string>>{
           {R"({"type": "generator", "inputs": 2, "inputs": 2, "channels": [3]})", ""}, {good + " x", ""}, {"[1]", ""}, {good, "abc"}}) {
    const Status status = load(architecture, schema);
    EXPECT_EQ(status.code, Code::corrupt_model) << architecture << " " << schema;
    EXPECT_EQ(status.message.find(path.string()), 0U) << status.message;
  }
  std::filesystem::remove(path);
}

TEST(Torchvision, ATapThatIsNotThereIsAnError) {
  const auto net = make_extractor<float>(*state_dict("resnet"));
  const Tensor<float> picture = golden<float>(fixtures(), "picture");
  for (const std::string tap : {"layer5", "layer1.2", "layer1.-1", "", "Stem", "layer01"}) {
    Tape<float> tape;
    const std::vector<std::string> taps{"layer1", tap};
    const auto features = net->features(tape.constant(picture), taps);
    ASSERT_EQ(features.size(), 2U);
    EXPECT_TRUE(features[0].valid());
    EXPECT_FALSE(features[1].valid());
    EXPECT_EQ(tape.status().code, Code::invalid_argument) << tap;
    EXPECT_NE(tape.status().message.find("no tap \"" + tap + "\""), std::string::npos) << tape.status().message;
  }
}

TEST(Torchvision, FeaturesAndHeadSayWhatTheyNeed) {
  const auto net = make_extractor<float>(*state_dict("resnet"));
  const Tensor<float> picture = golden<float>(fixtures(), "picture");
  const std::int64_t places = picture.shape[2] * picture.shape[3];
  Tape<float> tape;
  const auto none = net->features(
      tape.constant({1, 1, picture.shape[2], picture.shape[3]}, std::span(picture.data).first(static_cast<std::size_t>(places))));
  EXPECT_EQ(none.size(), net->architecture().layers.size());
  EXPECT_FALSE(none[0].valid());
  EXPECT_NE(tape.status().message.find("features: the picture is [N, 3, H, W]"), std::string::npos) << tape.status().message;
  tape.clear();
  const auto features = net->features(tape.constant(picture));
  ASSERT_TRUE(tape.status().ok()) << tape.status().message;
  EXPECT_FALSE(net->segment(features).valid());
  EXPECT_EQ(tape.status().message, "segment: the network has no head");
}

// Packed for both directions, in panels of eight channels: at least twice the numbers that the file holds.
TEST(Torchvision, WeightBytesCountEveryLayer) {
  const auto file = state_dict("resnet");
  std::int64_t kernels = 0;
  for (const auto& [name, entry] : file->tensors()) {
    if (entry.shape.size() == 4) kernels += entry.count();
  }
  const auto single = make_extractor<float>(*file);
  const auto exact = make_extractor<double>(*file);
  const std::int64_t biases = 4 * (1 + 4) + 5 * 5 + 6 * 3 + 8 * 3;
  EXPECT_EQ(exact->weight_bytes(), (kernels + biases) * static_cast<std::int64_t>(sizeof(double)));
  EXPECT_GE(single->weight_bytes(), (2 * kernels + biases) * static_cast<std::int64_t>(sizeof(float)));
}

// What dilation means: at every s-th place the dilated network gives what the strided one gives, also at the borders.
TEST(Dilation, KeepsTheOutputsOfTheStridedNetwork) {
  for (const bool bottleneck : {false, true}) {
    for (const std::vector<bool>& dilated : {std::vector<bool>{false, true, true}, {true, false, true}, {true, true, true}}) {
      ResidualArchitecture a;
      a.bottleneck = bottleneck;
      a.layers = {1, 2, 2, 1};
      a.widths = {4, 5, 5, 6};
      a.stem_width = 4;
      const TensorMap tensors = random_tensors(a, 3);
      const auto strided = ResidualNet<double>::create(a, tensor_lookup(tensors));
      a.replace_stride_with_dilation = dilated;
      const auto dense = ResidualNet<double>::create(a, tensor_lookup(tensors));
      ASSERT_TRUE(strided.ok() && dense.ok());
      const Tensor<double> picture = golden<double>(fixtures(), "picture");
      Tape<double> tape;
      const Var<double> x = tape.constant(picture);
      const auto few = strided->features(x), many = dense->features(x);
      ASSERT_TRUE(tape.status().ok()) << tape.status().message;
      std::int64_t spacing = 1;
      for (std::size_t stage = 0; stage < few.size(); ++stage) {
        if (stage > 0 && dilated[stage - 1]) spacing *= 2;
        const Shape f = few[stage].shape(), m = many[stage].shape();
        ASSERT_EQ(f[2], (m[2] - 1) / spacing + 1);
        ASSERT_EQ(f[3], (m[3] - 1) / spacing + 1);
        std::vector<double> picked;
        for (std::int64_t c = 0; c < m[1]; ++c) {
          for (std::int64_t i = 0; i < m[2]; i += spacing) {
            for (std::int64_t j = 0; j < m[3]; j += spacing)
              picked.push_back(many[stage].value()[static_cast<std::size_t>((c * m[2] + i) * m[3] + j)]);
          }
        }
        EXPECT_LE(max_norm_error(few[stage].value(), picked), 1e-14) << "stage " << stage + 1;
      }
    }
  }
}

// The generator's other first kernels and outputs, in terms of the default one.
TEST(GeneratorVariants, FirstKernelAndOutput) {
  const auto parse = [](const std::string& more) {
    return GeneratorArchitecture::parse(R"({"type":"generator","inputs":5,"channels":[6,4,3])" + more + "}");
  };
  const auto plain = parse(R"(,"first_kernel":3)");
  ASSERT_TRUE(plain.ok()) << plain.status().message;
  const TensorMap tensors = random_tensors(*plain, 7);
  const std::vector<double> x{0.1, 0.9, 0.4, 0.3, 0.7};
  const auto picture = [&](const std::string& more) {
    const auto generator = Generator<double>::create(parse(more).value(), tensor_lookup(tensors));
    EXPECT_TRUE(generator.ok()) << generator.status().message;
    EXPECT_EQ(generator->size(), 12);
    Tape<double> tape;
    const Var<double> y = (*generator)(tape.constant(Shape({5}), x));
    EXPECT_EQ(y.shape(), Shape({1, 3, 12, 12}));
    return std::vector<double>(y.value().begin(), y.value().end());
  };
  const std::vector<double> sigmoid = picture(R"(,"first_kernel":3)"), tanh = picture(R"(,"first_kernel":3,"output":"tanh")"),
                            linear = picture(R"(,"first_kernel":3,"output":"linear")");
  for (std::size_t i = 0; i < linear.size(); ++i) {
    EXPECT_NEAR(sigmoid[i], 1 / (1 + std::exp(-linear[i])), 1e-14);
    EXPECT_NEAR(tanh[i], (std::tanh(linear[i]) + 1) / 2, 1e-14);
  }
  for (const char* bad : {R"(,"first_kernel":0)", R"(,"first_kernel":17)", R"(,"output":"relu")", R"(,"output":1)"})
    EXPECT_EQ(parse(bad).status().code, Code::corrupt_model) << bad;
}

}  // namespace
}  // namespace likeness
