"""Companions of the generator: from the vector straight to landmarks and to the colours of regions, in closed form.

    python3 train/companions.py --model DIR --cache CACHE [--photos-aligned DIR]

Pictures tell shape only roughly and colour only through everything else; these two regressions give the fit a short way to both.
Writes DIR/companions.safetensors (all float32):
  landmarks.weight [136, P], landmarks.bias [136]   x -> 68 landmarks (x0, y0, x1, ...) in pixels of the 512 frame, linear
  landmarks.render_mean [136]                       mean over the renders
  landmarks.photo_mean [136], landmarks.photo_deviation [136]   of photographs aligned by `likeness align --landmarks` (with --photos-aligned)
  colours.inputs [K]                                entries of x that colours depend on
  colours.weight [12, 1 + K + K (K + 1) / 2]        1, inputs, products of inputs i <= j -> mean sRGB in [0, 1] of skin, hair, lips, brows
  colours.routed [P]                                1 for identity entries that tint regions: no landmark, no pattern, no outline
"""
import argparse
import glob
import json
import os
import time

import numpy as np

import safetensors_io
from common import schema_groups
from export import LICENCE, digest
from scene_stream import Cache

FRAME = 512.0
REGIONS = {"skin": (1, 7), "hair": (2,), "lips": (8, 10), "brows": (3, 4)}
LEAST_SHARE = {"skin": 5e-3, "hair": 5e-3, "lips": 1e-3, "brows": 1e-3}  # of the picture's pixels, for a mean colour to mean anything
LEAST_SCORE = 8     # |weight| / standard error, largest over coordinates: chance alone reaches about 4
LEAST_TINT = 0.004  # of [0, 1], largest over regions, for one deviation of an entry
# Beards and thick brows change mean colours too, but by a pattern or a region's size: those tell more than a mean.
MOST_CONTRAST = 4.0  # change of a region's log contrast for one of its colour
MOST_SHARE = 0.02    # change of a region's log size for one deviation


def ridge(x, y, strength=1e-3):
    """Regularised linear regression on standardised inputs: weights [n, outputs], bias, and |weight| / standard error."""
    mean, deviation = x.mean(0), x.std(0).clip(1e-6)
    z = (x - mean) / deviation
    square = z.T @ z
    inverse = np.linalg.inv(square + strength * len(x) * np.eye(x.shape[1]))
    w = inverse @ (z.T @ (y - y.mean(0)))
    noise = (y - y.mean(0) - z @ w).std(0).clip(1e-9) * np.sqrt(np.diag(inverse @ square @ inverse).clip(1e-18))[:, None]
    score = np.abs(w) / noise
    w = w / deviation[:, None]
    return w, y.mean(0) - mean @ w, score


def regress_landmarks(x, landmarks):
    """x [N, P], landmarks [N, 136] -> weight [136, P], bias [136]; entries that move nothing get exact zeros."""
    w, _, score = ridge(x, landmarks)
    moving = score.max(1) > LEAST_SCORE
    w = np.zeros_like(w)
    w[moving], bias, _ = ridge(x[:, moving], landmarks)
    return w.T, bias


def products(x):
    rows, columns = np.triu_indices(x.shape[1])
    return np.concatenate([np.ones((len(x), 1)), x, x[:, rows] * x[:, columns]], 1)


def region_statistics(rgb, labels):
    """[N, S, S, 3], [N, S, S] uint8 -> of the regions: mean colours [N, 12] in [0, 1], contrast [N, 4] (deviation over mean of the sRGB
    luma), share of the picture [N, 4], and whether each is there [N, 4]."""
    colours, contrast, shares = [], [], []
    luma = rgb @ np.float32([0.2126, 0.7152, 0.0722]) / 255
    for classes in REGIONS.values():
        mask = np.isin(labels, classes)
        count = np.maximum(mask.sum((1, 2)), 1)
        colours.append((rgb * mask[..., None]).sum((1, 2)) / count[:, None] / 255.0)
        mean = (luma * mask).sum((1, 2)) / count
        deviation = np.sqrt(((luma - mean[:, None, None]) ** 2 * mask).sum((1, 2)) / count)
        contrast.append(deviation / np.maximum(mean, 0.02))
        shares.append(mask.mean((1, 2)))
    shares = np.stack(shares, 1)
    return np.concatenate(colours, 1), np.stack(contrast, 1), shares, shares > np.array(list(LEAST_SHARE.values()))


def patterned_entries(x, colours, contrast, shares, seen):
    """Whether each entry changes the contrast or the size of the region that it colours most. [P] bool."""
    effect = np.zeros((3, len(REGIONS), x.shape[1]))
    for r in range(len(REGIONS)):
        rows = seen[:, r]
        for k, y in enumerate((colours[:, 3 * r:3 * r + 3], np.log(contrast[:, r:r + 1] + 1e-3), np.log(shares[:, r:r + 1] + 1e-4))):
            effect[k, r] = np.abs(ridge(x[rows], y[rows])[0]).max(1) * x.std(0)
    most = effect[0].argmax(0), np.arange(x.shape[1])
    return (effect[1][most] > MOST_CONTRAST * effect[0][most]) | (effect[2][most] > MOST_SHARE)


def regress_colours(x, colours, seen):
    """-> inputs [K], weight [12, F], mean absolute error of each region on the last tenth of the rows (which are not fitted)."""
    fitted = len(x) * 9 // 10
    tint = np.zeros(x.shape[1])
    for r in range(len(REGIONS)):
        rows = seen[:fitted, r]
        w, _, _ = ridge(x[:fitted][rows], colours[:fitted][rows, 3 * r:3 * r + 3])
        tint = np.maximum(tint, np.abs(w).max(1) * x.std(0))
    inputs = np.flatnonzero(tint > LEAST_TINT)
    features, weight, errors = products(x[:, inputs]), [], []
    for r in range(len(REGIONS)):
        rows = np.flatnonzero(seen[:fitted, r])
        a, y = features[rows], colours[rows, 3 * r:3 * r + 3]
        w = np.linalg.solve(a.T @ a + 1e-6 * len(rows) * np.eye(a.shape[1]), a.T @ y)
        held = fitted + np.flatnonzero(seen[fitted:, r])
        errors.append(float(np.abs(features[held] @ w - colours[held, 3 * r:3 * r + 3]).mean()))
        weight.append(w.T)
    return inputs, np.concatenate(weight), errors


def routed_entries(scene, weight, inputs, patterned):
    """Colours alone: identity entries of continuous and simplex parameters that are inputs, move no landmark and paint no pattern."""
    with open(scene) as file:
        parameters = json.load(file)["parameters"]
    routed, offset = np.zeros(weight.shape[1]), 0
    for p in parameters:
        n = {"continuous": 1, "simplex": len(p.get("components", ())), "choice": len(p.get("options", ()))}[p["type"]]
        span = range(offset, offset + n)
        tint = np.isin(span, inputs).any() and not weight[:, offset:offset + n].any() and not patterned[offset:offset + n].any()
        if tint and p["type"] != "choice" and p["role"] == "identity":
            routed[offset:offset + n] = 1
        offset += n
    return routed


def photo_landmarks(directory):
    """[N, 136] in pixels of the frame, from `likeness align --landmarks`."""
    values = []
    for path in sorted(glob.glob(os.path.join(directory, "*.json"))):
        with open(path) as file:
            values.append(np.float64(json.load(file)["frame"]).reshape(-1))
    return np.array(values)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--model", required=True, help="model directory with scene.json")
    parser.add_argument("--cache", required=True)
    parser.add_argument("--photos-aligned")
    parser.add_argument("--count", type=int, default=6000)
    a = parser.parse_args()
    start = time.monotonic()
    scene = os.path.join(a.model, "scene.json")
    cache = Cache(a.cache)
    n = min(a.count, cache.stored())
    assert cache.info["parameters"] == schema_groups(scene)[0], "the cache holds characters of another scene"
    x = np.float64(cache.parameters[:n])
    landmarks = np.float64(cache.landmarks[:n]).reshape(n, -1) * (FRAME / cache.info["size"])
    fitted = n * 9 // 10
    weight, bias = regress_landmarks(x[:fitted], landmarks[:fitted])
    moved = np.hypot(*(landmarks - (x @ weight.T + bias))[fitted:].reshape(-1, 68, 2).transpose(2, 0, 1)).mean()
    parts = [region_statistics(cache.rgb[i:min(i + 100, n)], cache.labels[i:min(i + 100, n)]) for i in range(0, n, 100)]
    colours, contrast, shares, seen = (np.concatenate(p) for p in zip(*parts))
    inputs, tints, errors = regress_colours(x, colours, seen)
    patterned = patterned_entries(x, colours, contrast, shares, seen)
    tensors = {"landmarks.weight": weight, "landmarks.bias": bias, "landmarks.render_mean": landmarks.mean(0), "colours.inputs": inputs,
               "colours.weight": tints, "colours.routed": routed_entries(scene, weight, inputs, patterned)}
    about = f"{n} renders"
    if a.photos_aligned:
        photos = photo_landmarks(a.photos_aligned)
        tensors.update({"landmarks.photo_mean": photos.mean(0), "landmarks.photo_deviation": photos.std(0)})
        about += f", {len(photos)} aligned portraits"
    figures = {"landmarks_px": round(float(moved), 3), **{f"{name}_l1": round(e, 4) for name, e in zip(REGIONS, errors)}}
    metadata = {"architecture": json.dumps({"type": "companions", "inputs": x.shape[1]}), "schema": cache.info["schema"], "data": about,
                "recipe": f"ridge regressions in closed form, landmarks linear, colours with products of inputs; figures on the last {n - fitted} renders, not fitted",
                "hours": f"{(time.monotonic() - start) / 3600:.2f}", "figures": json.dumps(figures), "licence": LICENCE}
    safetensors_io.save(os.path.join(a.model, "companions.safetensors"), {k: np.float32(v) for k, v in tensors.items()}, metadata)
    print("companions", len(inputs), "colour inputs,", int(tensors["colours.routed"].sum()), "routed", figures)


if __name__ == "__main__":
    main()
