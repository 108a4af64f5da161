"""Takes over an extractor that was trained for another scene: f sees faces and knows nothing of sliders, so it serves any game.

    python3 train/adopt_extractor.py --extractor weights/models/makehuman-head/extractor.safetensors --model DIR
                                     [--cache CACHE --photos-aligned DIR]

Writes DIR/extractor.safetensors, and DIR/manifest.json anew. The feature statistics belong to the scene they were measured on: they are
measured again where both renders (of f's input size) and photographs aligned to this scene (`likeness align`) are given, else left out.
"""
import argparse
import json
import os

import common

if __name__ == "__main__":
    common.reuse_memory()

import numpy as np
import torch

import export
import feature_statistics
import models
import safetensors_io
from scene_stream import Cache


def without_statistics(tensors, metadata):
    return ({k: v for k, v in tensors.items() if not k.startswith("statistics.")}, {k: v for k, v in metadata.items() if k != "statistics"})


def measured(tensors, architecture, cache, photos, count):
    """statistics.* tensors of this scene, and a sentence about them."""
    size = architecture["input_size"]
    if cache.info["size"] != size:
        raise SystemExit(f"the renders of the cache must be {size} pixels wide, as f takes them")
    network = export.load_folded(models.ResidualNet(architecture), tensors)
    out, seen = {}, []
    for domain, batches in (("photo", feature_statistics.photographs(photos, count, size)), ("render", feature_statistics.renders(cache, count))):
        batches = list(batches)
        seen.append(sum(len(b) for b in batches))
        for i, (mean, deviation) in enumerate(zip(*feature_statistics.gather(network, batches))):
            out[f"statistics.{domain}.layer{i + 1}.mean"] = mean.numpy().astype(np.float16)
            out[f"statistics.{domain}.layer{i + 1}.std"] = deviation.numpy().astype(np.float16)
    return out, f"{seen[0]} aligned photographs, {seen[1]} renders"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--extractor", required=True)
    parser.add_argument("--model", required=True, help="model directory to write to")
    parser.add_argument("--cache", help="renders of the scene")
    parser.add_argument("--photos-aligned", help="photographs aligned to the scene's reference face")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--threads", type=int, default=1)
    a = parser.parse_args()
    if bool(a.cache) != bool(a.photos_aligned):
        parser.error("statistics need both --cache and --photos-aligned")
    torch.set_num_threads(a.threads)
    tensors, metadata = without_statistics(*safetensors_io.load(a.extractor))
    if a.cache:
        statistics, metadata["statistics"] = measured(tensors, json.loads(metadata["architecture"]), Cache(a.cache), a.photos_aligned, a.count)
        tensors.update(statistics)
    safetensors_io.save(os.path.join(a.model, "extractor.safetensors"), tensors, metadata)
    export.write_manifest(a.model)
    print("extractor", metadata.get("statistics", "without statistics"))


if __name__ == "__main__":
    main()
