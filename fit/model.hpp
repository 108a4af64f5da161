// What a Model is made of.
#pragma once

#include <memory>
#include <string>

#include "fit/aligner.hpp"
#include "likeness/likeness.hpp"
#include "likeness/nn.hpp"

namespace likeness {

struct Model::Impl {
  std::unique_ptr<const GameClient> client;
  Generator<float> generator;
  ResidualNet<float> extractor;
  Aligner aligner;
  std::string generator_hash, extractor_hash;
};

/// A model from parts, for tests and hosts with their own client. Errors: schema_mismatch, and those of Aligner::create().
Result<std::shared_ptr<const Model>> assemble_model(std::unique_ptr<const GameClient> client, Generator<float> generator,
                                                    ResidualNet<float> extractor, Result<FaceFinder> finder, std::string generator_hash,
                                                    std::string extractor_hash);

/// The face finder of a model folder; `file` empty: landmark_file(folder). A file listed in the folder's manifest must have the digest
/// it gives there, any other that of Debian's file.
Result<FaceFinder> open_face_finder(const std::filesystem::path& folder, const std::filesystem::path& file);

}  // namespace likeness
