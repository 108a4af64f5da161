"""Feature statistics of both domains for the objective: aligned photographs and renders.

    python3 train/feature_statistics.py --f WORK/f.pt --photos-aligned DIR --cache CACHE --out statistics.safetensors [--count 300]

For each depth i: statistics.{photo,render}.layer{i}.mean [C, H, W], the mean over pictures at each location, and .std [C], the root
mean square deviation from it over pictures and locations. export.py puts them into extractor.safetensors.
"""
import argparse

import common

if __name__ == "__main__":
    common.reuse_memory()

import glob
import os

import numpy as np
import torch
from PIL import Image

import evaluate_f
import safetensors_io
from export import digest
from scene_stream import Cache


@torch.no_grad()
def gather(network, batches):
    """batches of [N, 3, S, S]; returns (means, deviations), one of each depth."""
    sums, squares, count = [0.0] * 4, [0.0] * 4, 0
    for batch in batches:
        count += len(batch)
        for i, feature in enumerate(network.features(batch)):
            feature = feature.double()
            sums[i] = sums[i] + feature.sum(0)
            squares[i] = squares[i] + feature.square().sum(0)
    means = [s / count for s in sums]
    deviations = [((q / count - m.square()).clamp(min=0).mean((1, 2))).sqrt().clamp(min=1e-3) for q, m in zip(squares, means)]
    return means, deviations


def photographs(directory, count, size, batch=10):
    paths = sorted(glob.glob(os.path.join(directory, "*.png")))
    paths = [paths[i] for i in np.unique(np.linspace(0, len(paths) - 1, count).astype(int))]
    for i in range(0, len(paths), batch):
        pictures = []
        for path in paths[i:i + batch]:
            picture = Image.open(path).convert("RGB")
            picture = picture.reduce(picture.size[0] // size) if picture.size[0] > size else picture
            pictures.append(np.asarray(picture if picture.size == (size, size) else picture.resize((size, size), Image.BILINEAR)))
        yield torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255


def renders(cache, count, batch=10):
    rows = np.linspace(0, cache.stored() - 1, min(count, cache.stored())).astype(int)
    for part in np.array_split(rows, max(1, len(rows) // batch)):
        yield torch.from_numpy(np.array(cache.rgb[part])).permute(0, 3, 1, 2).float() / 255


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--f", required=True)
    parser.add_argument("--photos-aligned", required=True)
    parser.add_argument("--cache", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--threads", type=int, default=1)
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    network, cache = evaluate_f.open_network(a.f), Cache(a.cache)
    size, tensors, seen = network.architecture["input_size"], {}, {}
    for domain, batches in (("photo", photographs(a.photos_aligned, a.count, size)), ("render", renders(cache, a.count))):
        batches = list(batches)
        seen[domain] = sum(len(b) for b in batches)
        for i, (mean, deviation) in enumerate(zip(*gather(network, batches))):
            tensors[f"statistics.{domain}.layer{i + 1}.mean"] = mean.numpy().astype(np.float32)
            tensors[f"statistics.{domain}.layer{i + 1}.std"] = deviation.numpy().astype(np.float32)
    about = f"{seen['photo']} aligned portraits, {seen['render']} renders (human draw)"
    safetensors_io.save(a.out, tensors, {"checkpoint": digest(a.f), "statistics": about})
    print(about)


if __name__ == "__main__":
    main()
