#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <new>
#include <numeric>
#include <span>
#include <vector>

#include "base/file.hpp"
#include "base/large_memory.hpp"
#include "base/parallel.hpp"
#include "base/sha256.hpp"

namespace likeness {
namespace {

// Vectors of FIPS 180-4 and NIST CAVP.
TEST(Sha256, MatchesPublishedVectors) {
  EXPECT_EQ(sha256_hex(std::string_view("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex(std::string_view("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex(std::string_view("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256_hex(std::string(1000000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, IsTheSameByPiecesAndByEitherKindOfRounds) {
  std::vector<std::uint8_t> bytes(1000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * i % 251);
  for (const std::size_t size : {0U, 1U, 55U, 56U, 63U, 64U, 65U, 119U, 120U, 128U, 777U, 1000U}) {
    const auto all = std::span<const std::uint8_t>(bytes).first(size);
    Sha256 whole(Sha256::Rounds::portable);
    whole.add(all);
    EXPECT_EQ(whole.hex(), sha256_hex(all)) << size;
    Sha256 pieces;
    for (std::size_t at = 0, step = 1; at < size; at += step, step = step * 3 % 97 + 1) {
      step = std::min(step, size - at);
      pieces.add(all.subspan(at, step));
    }
    EXPECT_EQ(pieces.hex(), whole.hex()) << size;
  }
  Sha256 known(Sha256::Rounds::portable);
  known.add(std::vector<std::uint8_t>{'a', 'b', 'c'});
  EXPECT_EQ(known.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(File, WritesAtomicallyAndReadsBack) {
  const auto folder = std::filesystem::temp_directory_path() / "likeness_base_test";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const auto path = folder / "a.txt";
  ASSERT_TRUE(write_file_atomic(path, std::string_view("first")).ok());
  ASSERT_TRUE(write_file_atomic(path, std::string_view("second, longer")).ok());
  EXPECT_EQ(read_text_file(path).value(), "second, longer");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1) << "a temporary file was left behind";
}

TEST(File, RefusesWithCodes) {
  const auto missing = std::filesystem::temp_directory_path() / "likeness_base_test_missing" / "x";
  EXPECT_EQ(read_file(missing).status().code, Code::not_found);
  EXPECT_EQ(read_file(std::filesystem::temp_directory_path()).status().code, Code::io_error);
  EXPECT_EQ(write_file_atomic(missing, std::string_view("x")).code, Code::io_error);
  const auto path = std::filesystem::temp_directory_path() / "likeness_base_test_limit";
  ASSERT_TRUE(write_file_atomic(path, std::string_view("12345")).ok());
  EXPECT_EQ(read_file(path, 4).status().code, Code::io_error);
}

TEST(LargeMemory, IsAlignedAndRefusesWhatThereIsNot) {
  for (const std::size_t count : {std::size_t{1}, std::size_t{1000}, std::size_t{3} << 20}) {
    const std::vector<float, LargeAllocator<float>> numbers(count, 1.5F);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(numbers.data()) % 64, 0U);
    EXPECT_EQ(numbers.back(), 1.5F);
  }
  LargeAllocator<double> allocator;
  for (const std::size_t count : {SIZE_MAX / 2, SIZE_MAX / 8 + 1, SIZE_MAX / 16}) {
    EXPECT_THROW(static_cast<void>(allocator.allocate(count)), std::bad_alloc) << count;
  }
}

TEST(Parallel, RunsEveryIndexOnce) {
  std::vector<std::atomic<int>> hits(1000);
  parallel_for(1000, [&](std::int64_t i) { ++hits[static_cast<std::size_t>(i)]; });
  for (const auto& hit : hits) EXPECT_EQ(hit, 1);
}

TEST(Parallel, ExceptionsReachTheCaller) {
  for (const int threads : {1, 3}) {
    set_default_threads(threads);
    std::atomic<int> done{0};
    const auto body = [&](std::int64_t i) { i % 10 == 7 ? throw std::bad_alloc() : ++done; };
    EXPECT_THROW(parallel_for(100, body), std::bad_alloc) << threads;
    done = 0;
    parallel_for(7, body);
    EXPECT_EQ(done, 7);
  }
  set_default_threads(0);
}

TEST(Parallel, UsesTheInjectedRunner) {
  struct Backwards final : Runner {
    int calls = 0;
    void run(std::int64_t count, const std::function<void(std::int64_t)>& body) override {
      ++calls;
      while (count-- > 0) body(count);
    }
  } runner;
  set_runner(&runner);
  std::vector<std::int64_t> order;
  parallel_for(3, [&](std::int64_t i) { order.push_back(i); });
  set_runner(nullptr);
  EXPECT_EQ(runner.calls, 1);
  EXPECT_EQ(order, (std::vector<std::int64_t>{2, 1, 0}));
}

}  // namespace
}  // namespace likeness
