// The packed MakeHuman head of this tree as a game client.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>

#include "likeness/scene.hpp"

namespace likeness {

inline const std::filesystem::path kHeadModel = std::filesystem::path(LIKENESS_SOURCE_DIR) / "weights/models/makehuman-head";

inline const GameClient& client() {
  static const std::unique_ptr<GameClient> opened = [] {
    auto result = open_client(kHeadModel / "scene.json");
    EXPECT_TRUE(result.ok()) << result.status().message;
    return std::move(result).value();
  }();
  return *opened;
}

}  // namespace likeness
