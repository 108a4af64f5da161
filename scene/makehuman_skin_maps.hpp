// Where lips, beards, wrinkles and pores lie on MakeHuman's skin: drawn once, when the head is packed.
#pragma once

#include "scene/head_asset.hpp"

namespace likeness::scene {

/// `region` is the part of the atlas to paint on; lines and areas are given on MakeHuman's base mesh (asset.base).
SkinMaps draw_skin_maps(const HeadAsset& asset, const SkinRegion& region);

}  // namespace likeness::scene
