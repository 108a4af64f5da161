"""What train_encoder.py learns from: the extractor's maps of renders, plain and augmented, and of aligned photographs, on disk.

A folder of maps belongs to one extractor: features.json holds the digest of its tensors, and another one starts the folder afresh.
"""
import hashlib
import json
import os

import numpy as np
import torch

import augment
import common
import companions
import encoder
import export
import models
import pseudo_labels
import safetensors_io

DOMAINS = ("render", "augmented", "photo")
PLAIN = 2  # every second render stays as it is
# Regions smaller than this share of the picture have no colour, as in fit/companions.cc.
LEAST_SEEN = np.array([1e-3, 8e-4, 4e-5, 4e-5])


class Extractor:
    """The network of extractor.safetensors as stored, with its statistics."""

    def __init__(self, path):
        tensors, self.metadata = safetensors_io.load(path)
        self.network = export.load_folded(models.ResidualNet(json.loads(self.metadata["architecture"])), tensors)
        self.network = self.network.requires_grad_(False).to(memory_format=torch.channels_last)
        self.file, self.tensors = export.digest(path), tensors
        known = hashlib.sha256()
        for name in sorted(tensors):
            known.update(name.encode() + tensors[name].tobytes())
        self.digest = known.hexdigest()

    def statistics(self, domain, layer):
        """(mean [C, H, W], deviation [C]) as float tensors."""
        return tuple(torch.from_numpy(self.tensors[f"statistics.{domain}.layer{layer}.{kind}"].astype(np.float32)) for kind in ("mean", "std"))

    def centring(self, domain):
        """Of stacked maps: see encoder.centring()."""
        return encoder.centring(*self.statistics(domain, 3), *self.statistics(domain, 4))

    @torch.no_grad()
    def maps(self, rgb, bf16):
        with common.half_precision(torch.device("cpu"), bf16):
            shallow, deep = self.network.features(rgb.contiguous(memory_format=torch.channels_last), ["layer3", "layer4"])
        return encoder.stacked(shallow.float(), deep.float())


class Store:
    """maps [N, C, S, S] fp16, colours [N, 16] (12 means, 4 seen) of a list of pictures, filled in chunks and continued after a crash."""

    def __init__(self, folder, digest, count, shape):
        os.makedirs(folder, exist_ok=True)
        self.path, self.digest = os.path.join(folder, "features.json"), digest
        known = {}
        if os.path.exists(self.path):
            with open(self.path) as file:
                known = json.load(file)
        fresh = known.get("extractor") != digest
        self.stored = 0 if fresh else known["stored"]
        mode = "w+" if fresh else "r+"
        self.maps = np.memmap(os.path.join(folder, "maps.f16"), np.float16, mode, shape=(count, *shape))
        self.colours = np.memmap(os.path.join(folder, "colours.f32"), np.float32, mode, shape=(count, 16))

    def put(self, maps, colours):
        rows = slice(self.stored, self.stored + len(maps))
        self.maps[rows], self.colours[rows] = maps.numpy(), colours
        self.stored = rows.stop
        with open(self.path + ".tmp", "w") as file:
            json.dump({"extractor": self.digest, "stored": self.stored}, file)
        os.replace(self.path + ".tmp", self.path)


def augmented(rgb, labels, landmarks, backdrop, backgrounds):
    """As augment.augment_renders(), but every change spares the geometry: the parameters must still describe the picture."""
    size = rgb.shape[1]
    plain = ((rgb.short() - backdrop[None, :, None].short()).abs().amax(3) <= 3) & (labels == 0)
    picture = torch.where(plain[:, None], backgrounds(len(rgb), size), rgb.permute(0, 3, 1, 2).float() / 255)
    labels = labels.long()
    body = torch.where(plain, torch.ones_like(labels), labels)
    picture = augment.draw_glasses(augment.paint_clothes(picture, body, landmarks), landmarks, 0.1)
    picture, _ = augment.occlude(picture, labels, 0.1)
    return augment.degrade(augment.recolour(picture, 0.7))


def region_colours(rgb, labels):
    """[N, S, S, 3] and [N, S, S] uint8 -> [N, 16]: mean colours of skin, hair, lips, brows, and whether each is seen."""
    means, _, shares, _ = companions.region_statistics(rgb[:, ::2, ::2], labels[:, ::2, ::2])
    return np.concatenate([means, shares > LEAST_SEEN], 1).astype(np.float32)


def render_store(folder, extractor, cache, count, seed, bf16, log, chunk=32):
    """Maps of the cache's first renders: plain where row % PLAIN is 0, else augmented."""
    count = min(count, cache.stored())
    store = Store(folder, extractor.digest, count, encoder_shape(extractor))
    backdrop = torch.from_numpy(augment.backdrop_rows(cache.rgb[:min(200, count)]))
    backgrounds = augment.Backgrounds()
    while store.stored < count:
        first = store.stored
        rows = np.arange(first, min(first + chunk, count))
        torch.manual_seed(seed + first)  # the same pictures after a crash
        rgb, labels = np.array(cache.rgb[rows]), np.array(cache.labels[rows])
        picture = torch.from_numpy(rgb).permute(0, 3, 1, 2).float() / 255
        chosen = np.flatnonzero(rows % PLAIN != 0)
        if len(chosen):
            landmarks = torch.from_numpy(np.array(cache.landmarks[rows[chosen]]))
            picture[chosen] = augmented(torch.from_numpy(rgb[chosen]), torch.from_numpy(labels[chosen]), landmarks, backdrop, backgrounds)
        store.put(extractor.maps(picture, bf16), region_colours(rgb, labels))
        if first // 2048 != store.stored // 2048:
            log(renders=store.stored)
    return store


def encoder_shape(extractor):
    widths = extractor.network.architecture["widths"]
    return (widths[2] + widths[3], *extractor.statistics("render", 4)[0].shape[1:])


def augmented_centring(store, limit=600):
    """Augmented renders are a domain of their own, centred by their own statistics as photographs are by theirs."""
    rows = [i for i in range(min(limit, store.stored)) if i % PLAIN != 0]
    maps = torch.from_numpy(store.maps[rows].astype(np.float32))
    mean = maps.mean(0)
    return mean, (maps - mean).square().mean((0, 2, 3)).sqrt().clamp(min=1e-3)[:, None, None]


def photographs(folder):
    """Aligned photographs: pictures [N, S, S, 3] uint8 and landmarks [N, 136] in pixels of the 512 frame."""
    pictures, landmarks = pseudo_labels.load(folder)
    return pictures, (landmarks * (512 / pictures.shape[1])).reshape(len(landmarks), -1).astype(np.float32)
