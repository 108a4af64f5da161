"""Fits the first guess (encoder.py) of a model directory to renders, half of them augmented, and writes its encoder.safetensors.

    python3 train/train_encoder.py --model DIR --cache CACHE --held-out CACHE --work WORK [--count N] [--bf16]

DIR holds scene.json, companions.safetensors and the exported extractor.safetensors with the statistics of photographs. WORK keeps the
features of the renders and continues where it was interrupted; those of another extractor are computed afresh. Run it again after every
export of the extractor: the encoder names the file that it belongs to.
"""
import argparse
import hashlib
import json
import os
import time

import common

if __name__ == "__main__":
    common.reuse_memory()

import numpy as np
import torch

import augment
import companions
import encoder
import export
import models
import safetensors_io
from scene_stream import Cache

PLAIN = 2  # every second render stays as it is, the others are augmented
# Regions smaller than this share of the picture have no colour, as in fit/companions.cc.
LEAST_SEEN = np.array([1e-3, 8e-4, 4e-5, 4e-5])
STRENGTHS = (0.3, 1.0, 3.0, 10.0)
POINT_NOISE, COLOUR_NOISE = 2.0, 0.015  # of landmarks in pixels of the 512 frame, and of colours in [0, 1]: what photographs are known to


class Extractor:
    """The network of extractor.safetensors as stored, with its statistics."""

    def __init__(self, path):
        self.tensors, metadata = safetensors_io.load(path)
        if not any(name.startswith("statistics.photo.") for name in self.tensors):
            raise SystemExit(f"{path} has no statistics of photographs: run feature_statistics.py and export.py first")
        self.network = export.load_folded(models.ResidualNet(json.loads(metadata["architecture"])), self.tensors).requires_grad_(False)
        self.network = self.network.to(memory_format=torch.channels_last)
        self.file = export.digest(path)
        known = hashlib.sha256()
        for name in sorted(self.tensors):
            known.update(name.encode() + self.tensors[name].tobytes())
        self.digest = known.hexdigest()  # of what it computes; the file's also depends on its metadata

    def centring(self, domain):
        """Mean [C, 4, 4] and deviation [C, 1, 1] of pooled maps."""
        means, deviations = ([torch.from_numpy(self.tensors[f"statistics.{domain}.layer{i}.{kind}"].astype(np.float32)) for i in (3, 4)] for kind in ("mean", "std"))
        return encoder.pooled([m[None] for m in means])[0].numpy(), torch.cat(deviations).numpy()[:, None, None]

    @torch.no_grad()
    def maps(self, rgb, bf16):
        with common.half_precision(torch.device("cpu"), bf16):
            features = self.network.features(rgb.contiguous(memory_format=torch.channels_last), ["layer3", "layer4"])
        return encoder.pooled([f.float() for f in features])


class Store:
    """maps [N, C, 4, 4] and colours [N, 16] (12 means, 4 seen) of the first renders of a cache, on disk, filled in chunks."""

    def __init__(self, folder, key, count, channels):
        """key: what the features depend on (JSON); another one starts anew."""
        os.makedirs(folder, exist_ok=True)
        self.path, self.key = os.path.join(folder, "features.json"), key
        known = {}
        if os.path.exists(self.path):
            with open(self.path) as file:
                known = json.load(file)
        fresh = known.get("key") != key
        self.stored, mode = (0, "w+") if fresh else (min(known["stored"], count), "r+")
        self._mark()  # before old rows are overwritten
        self.maps = np.memmap(os.path.join(folder, "maps.f32"), np.float32, mode, shape=(count, channels, encoder.CELLS, encoder.CELLS))
        self.colours = np.memmap(os.path.join(folder, "colours.f32"), np.float32, mode, shape=(count, 16))

    def put(self, maps, colours):
        rows = slice(self.stored, self.stored + len(maps))
        self.maps[rows], self.colours[rows] = maps, colours
        self.stored = rows.stop
        self._mark()

    def _mark(self):
        with open(self.path + ".tmp", "w") as file:
            json.dump({"key": self.key, "stored": self.stored}, file)
        os.replace(self.path + ".tmp", self.path)


def augmented(rgb, labels, landmarks, backdrop, backgrounds):
    """As augment.augment_renders(), but every change spares the geometry: the parameters must still describe the picture."""
    plain = ((rgb.short() - backdrop[None, :, None].short()).abs().amax(3) <= 3) & (labels == 0)
    picture = torch.where(plain[:, None], backgrounds(len(rgb), rgb.shape[1]), rgb.permute(0, 3, 1, 2).float() / 255)
    labels = labels.long()
    body = torch.where(plain, torch.ones_like(labels), labels)
    picture = augment.draw_glasses(augment.paint_clothes(picture, body, landmarks), landmarks, 0.1)
    picture, _ = augment.occlude(picture, labels, 0.1)
    return augment.degrade(augment.recolour(picture, 0.7))


def region_colours(rgb, labels):
    """[N, S, S, 3] and [N, S, S] uint8 -> [N, 16]: mean colours of skin, hair, lips, brows, and whether each is seen."""
    means, _, shares, _ = companions.region_statistics(rgb[:, ::2, ::2], labels[:, ::2, ::2])
    return np.concatenate([means, shares > LEAST_SEEN], 1).astype(np.float32)


def gather(folder, extractor, cache, count, seed, bf16, log, chunk=32):
    """The store of the cache's first `count` renders."""
    count = min(count, cache.stored())
    key = {"extractor": extractor.digest, "cache": cache.info["command"], "schema": cache.info["schema"], "seed": seed, "bf16": bf16}
    store = Store(folder, key, count, len(extractor.centring("render")[0]))
    backdrop = torch.from_numpy(augment.backdrop_rows(cache.rgb[:min(200, count)]))
    backgrounds = augment.Backgrounds()
    while store.stored < count:
        rows = np.arange(store.stored, min(store.stored + chunk, count))
        torch.manual_seed(seed + store.stored)  # the same pictures after a crash
        rgb, labels = np.array(cache.rgb[rows]), np.array(cache.labels[rows])
        picture = torch.from_numpy(rgb).permute(0, 3, 1, 2).float() / 255
        chosen = np.flatnonzero(rows % PLAIN != 0)
        if len(chosen):
            landmarks = torch.from_numpy(np.array(cache.landmarks[rows[chosen]]))
            picture[chosen] = augmented(torch.from_numpy(rgb[chosen]), torch.from_numpy(labels[chosen]), landmarks, backdrop, backgrounds)
        store.put(extractor.maps(picture, bf16).numpy(), region_colours(rgb, labels))
        if rows[0] // 2000 != store.stored // 2000:
            log(folder=os.path.basename(folder), renders=store.stored)
    return store


class Inputs:
    """Turns a store into columns. Augmented renders are a domain of their own, centred by their own statistics as photographs are."""

    def __init__(self, store, count, extractor, companion):
        changed = np.array(store.maps[:count][np.arange(count) % PLAIN != 0])
        mean = changed.mean(0)
        deviation = np.sqrt(np.square(changed - mean).mean((0, 2, 3))).clip(1e-3)[:, None, None]
        # Deviations of maps before pooling, as those of the other domains are.
        plain = np.array(store.maps[:count][np.arange(count) % PLAIN == 0])
        render_mean, render_deviation = extractor.centring("render")
        pooled = np.sqrt(np.square(plain - render_mean).mean((0, 2, 3))).clip(1e-3)[:, None, None]
        self.centring = (render_mean, render_deviation), (mean, deviation * render_deviation / pooled)
        colours, seen = store.colours[:count, :12], store.colours[:count, 12:].repeat(3, 1) > 0
        colours = np.where(seen, colours, np.nan)
        self.statistics = {"points.photo_mean": companion["landmarks.photo_mean"], "points.render_mean": companion["landmarks.render_mean"],
                           "points.deviation": companion["landmarks.photo_deviation"] + encoder.LEAST_DEVIATION,
                           "colours.mean": np.nanmean(colours, 0), "colours.deviation": np.nanstd(colours, 0).clip(0.02)}

    def __call__(self, store, cache, random=None):
        """Columns of all rows of a store of that cache; with `random`, landmarks and colours are known to their noise only."""
        n, s = store.stored, self.statistics
        maps = np.array(store.maps[:n])
        for kind, (mean, deviation) in enumerate(self.centring):
            rows = (np.arange(n) % PLAIN != 0) == bool(kind)
            maps[rows] = (maps[rows] - mean) / deviation
        points = np.array(cache.landmarks[:n]).reshape(n, -1) * (512 / cache.info["size"])
        means = np.array(store.colours[:n, :12])
        if random:
            points = points + random.normal(0, POINT_NOISE, points.shape)
            means = means + random.normal(0, COLOUR_NOISE, means.shape)
        colours = (means - s["colours.mean"]) / s["colours.deviation"] * store.colours[:n, 12:].repeat(3, 1)
        return encoder.columns(maps, (points - s["points.render_mean"]) / s["points.deviation"], colours)


def figures(x, truth, scene):
    """Of guesses against truths: mean absolute error of continuous entries, beside that of the average, and the share of right choices."""
    with open(scene) as file:
        parameters = json.load(file)["parameters"]
    out, offset, errors = {}, 0, []
    for p in parameters:
        n = {"continuous": 1, "simplex": len(p.get("components", ())), "choice": len(p.get("options", ()))}[p["type"]]
        part = slice(offset, offset + n)
        if p["type"] == "continuous":
            errors.append((np.abs(x[:, part] - truth[:, part]).mean(), np.abs((p["default"] - p["min"]) / (p["max"] - p["min"]) - truth[:, part]).mean()))
        elif p["type"] == "choice":
            out[p["name"] + "_right"] = round(float((x[:, part].argmax(1) == truth[:, part].argmax(1)).mean()), 3)
        offset += n
    error, average = np.mean(errors, 0)
    return {"error": round(float(error), 4), "error_of_average": round(float(average), 4), **out}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--model", required=True, help="model directory")
    parser.add_argument("--cache", required=True, help="training renders of size 256")
    parser.add_argument("--held-out", required=True, help="held-out renders, measured only")
    parser.add_argument("--work", required=True)
    parser.add_argument("--count", type=int, default=12000, help="renders")
    parser.add_argument("--held-count", type=int, default=500)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--seed", type=int, default=7)
    a = parser.parse_args()
    begun = time.monotonic()
    common.prepare(a.threads, a.seed, "cpu")
    os.makedirs(a.work, exist_ok=True)
    log = common.Log(os.path.join(a.work, "encoder.log"))
    scene = os.path.join(a.model, "scene.json")
    size, groups = common.schema_groups(scene)
    extractor = Extractor(os.path.join(a.model, "extractor.safetensors"))
    companion, _ = safetensors_io.load(os.path.join(a.model, "companions.safetensors"))
    cache, held_cache = Cache(a.cache), Cache(a.held_out)
    if cache.info["parameters"] != size or held_cache.info["schema"] != cache.info["schema"]:
        raise SystemExit("scene.json and the renders have different parameters")
    store = gather(os.path.join(a.work, "renders"), extractor, cache, a.count, a.seed, a.bf16, log)
    held = gather(os.path.join(a.work, "held"), extractor, held_cache, a.held_count, a.seed + 1, a.bf16, log)
    inputs = Inputs(store, store.stored, extractor, companion)
    z, truth = inputs(store, cache, np.random.default_rng(a.seed)), np.float64(cache.parameters[:store.stored])
    # The strength is chosen on the last tenth; the held-out renders only measure.
    fitted = len(z) * 9 // 10
    ridge, errors = encoder.Ridge(z[:fitted], truth[:fitted]), {}
    for strength in STRENGTHS:
        weight, bias = ridge.solve(strength)
        errors[strength] = float(np.square(z[fitted:] @ weight.T + bias - truth[fitted:]).mean())
        log(strength=strength, error=errors[strength])
    strength = min(errors, key=errors.get)
    weight, bias = ridge.solve(strength)
    tensors = {"weight": weight.astype(np.float16), "bias": bias.astype(np.float32), **{k: np.float32(v) for k, v in inputs.statistics.items()}}
    x = encoder.vector(inputs(held, held_cache) @ np.float64(tensors["weight"]).T + bias, groups)
    measured = {"held_out": held.stored, **figures(x, np.array(held_cache.parameters[:held.stored]), scene)}
    log(**measured)
    data = "renders of random characters (human draw), half of them augmented; landmark and feature statistics of photographs from companions and extractor"
    recipe = f"ridge regression on {fitted} renders; strength {strength}, the best of {STRENGTHS} on {len(z) - fitted} more; seed {a.seed}"
    metadata = {"architecture": json.dumps({"type": "encoder", "cells": encoder.CELLS, "inputs": z.shape[1], "outputs": size}),
                "schema": cache.info["schema"], "extractor": extractor.file, "data": data, "recipe": recipe, "hours": f"{(time.monotonic() - begun) / 3600:.2f}", "figures": json.dumps(measured),
                "licence": export.LICENCE}
    safetensors_io.save(os.path.join(a.model, "encoder.safetensors"), tensors, metadata)
    export.write_manifest(a.model)


if __name__ == "__main__":
    main()
