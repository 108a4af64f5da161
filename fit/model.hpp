// What a Model is made of.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "fit/aligner.hpp"
#include "fit/companions.hpp"
#include "fit/encoder.hpp"
#include "likeness/likeness.hpp"
#include "likeness/nn.hpp"

namespace likeness {

struct Model::Impl {
  std::unique_ptr<const GameClient> client;
  Generator<float> generator;
  ResidualNet<float> extractor;
  std::optional<Companions> companions;
  std::optional<Encoder> encoder;
  std::string generator_hash, extractor_hash, companions_hash, encoder_hash;  ///< SHA-256 of the files; of what is not there, empty
  std::optional<Aligner> aligner;                                             ///< always there in a finished model
  Precision precision = Precision::fp32;                                      ///< of the networks as they run
};

/// A model from its parts (all but the aligner), for tests and hosts with their own client.
/// Errors: schema_mismatch, and those of Aligner::create().
Result<std::shared_ptr<const Model>> assemble_model(Model::Impl parts, Result<FaceFinder> finder);
/// The same with a reference face that Aligner::draw_reference() drew.
Result<std::shared_ptr<const Model>> assemble_model(Model::Impl parts, ReferenceFace face, Result<FaceFinder> finder);

/// The face finder of a model folder; `file` empty: landmark_file(folder). A file that the manifest.json of its own folder lists must have
/// the digest it gives there, any other that of Debian's file.
Result<FaceFinder> open_face_finder(const std::filesystem::path& folder, const std::filesystem::path& file);

}  // namespace likeness
