"""Training pictures for train_landmarks: grey crops as the face finder cuts them, with 68 landmarks.

    python3 train/landmark_data.py --cache CACHE [CACHE ...] --out W/renders.samples -n 12000 [--backgrounds PORTRAITS]
    python3 train/landmark_data.py --labelled W/portraits.json --out W/portraits.samples -n 4000

The face finder (align/face_finder_dlib.cc) cuts a square whose middle is the detector's box. Here the box follows from the landmarks, with
the detector's own scatter; everything else that tells renders from photographs is randomised: greys of each region, light, backdrop,
blur, noise, compression, occluders, rotation, proportions.

A sample file: one line "likeness-landmark-samples 1 COUNT SIZE\\n", then COUNT records of 136 float32 (x0, y0, ... in pixels of the crop,
little endian, NaN: unknown) and SIZE x SIZE bytes. The box is the middle SIZE * 7 / 12 pixels of the crop.
"""
import argparse
import glob
import io
import json
import math
import os

import numpy as np
from PIL import Image, ImageFilter

from scene_stream import Cache

SIZE = 240
BOX = 140
MAGIC = "likeness-landmark-samples 1"
MIRRORED = np.array(list(range(16, -1, -1)) + list(range(26, 16, -1)) + [27, 28, 29, 30, 35, 34, 33, 32, 31] + [45, 44, 43, 42, 47, 46]
                    + [39, 38, 37, 36, 41, 40] + [54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65])
# dlib's detector on 420 held-out renders, from the middle and the spread (root mean square distance from it) of the 51 inner landmarks:
# the box's width is 3.35 spreads (deviation of its logarithm 0.086), its middle lies this many spreads to the right and below.
BOX_WIDTH, BOX_WIDTH_DEVIATION = 3.35, 0.086
BOX_MIDDLE, BOX_MIDDLE_DEVIATION = np.array([0.04, 0.023]), np.array([0.09, 0.155])
# Deviations of the logarithm of a region's grey by class (background, face, hair, brows, eyes, nose, upper lip, mouth, lower lip).
TINT = np.array([0.5, 0, 0.6, 0.3, 0.3, 0.15, 0.15, 0, 0.2, 0.4, 0.2])


def box_of(points, random=None):
    """Middle [2] and width of the box around landmarks [68, 2]; with `random`, scattered as the detector's."""
    inner = points[17:]
    middle = inner.mean(0)
    spread = math.sqrt(((inner - middle) ** 2).sum(1).mean())
    noise = random.standard_normal(3) if random is not None else np.zeros(3)
    return middle + spread * (BOX_MIDDLE + noise[:2] * BOX_MIDDLE_DEVIATION), spread * BOX_WIDTH * math.exp(noise[2] * BOX_WIDTH_DEVIATION)


def smooth_field(random, cells, size):
    """[size, size] float32 around 0, deviation about 1, coarse."""
    return np.asarray(Image.fromarray(random.standard_normal((cells, cells)).astype(np.float32)).resize((size, size), Image.BILINEAR))


class Backdrops:
    """Grey fillings [size, size] in [0, 1]: plain, coarse noise, gradients, upper corners of photographs."""

    def __init__(self, photos=None, limit=300):
        self.patches = []
        for path in sorted(glob.glob(os.path.join(photos, "*.jpg")))[:limit] if photos else []:
            picture = Image.open(path).convert("L")
            w, h = picture.size
            for left in (0, int(0.7 * w)):
                self.patches.append(picture.crop((left, 0, left + int(0.3 * w), int(0.45 * h))).resize((64, 96), Image.BILINEAR))

    def __call__(self, random, size):
        kind = random.integers(0, 4 if self.patches else 3)
        if kind == 3:
            return np.asarray(self.patches[random.integers(len(self.patches))].resize((size, size), Image.BILINEAR), np.float32) / 255
        level = np.float32(random.random())
        if kind == 0:
            return np.full((size, size), level, np.float32)
        return np.clip(level + np.float32(random.uniform(0, 0.4)) * smooth_field(random, int(random.integers(2, 24 if kind == 1 else 4)), size), 0, 1)


def grey(rgb, random):
    """Any mixture near luma: stands for colour casts and cameras."""
    weights = np.float32([0.299, 0.587, 0.114]) * np.exp(random.standard_normal(3) * 0.35).astype(np.float32)
    return rgb.astype(np.float32) @ (weights / weights.sum() / np.float32(255))


def repaint(picture, labels, points, backdrops, random):
    """A render's grey picture [S, S] with other tints, another backdrop and other clothes; labels: its 11 classes."""
    size = len(picture)
    picture = picture * np.exp(random.standard_normal(11) * TINT * random.uniform(0, 1)).astype(np.float32)[labels]
    if random.random() < 0.85:
        eyes = np.linalg.norm(points[42:48].mean(0) - points[36:42].mean(0))
        # Neck and ears are background, too; the neck stays.
        line = int(np.clip(points[[2, 14], 1].mean() + random.uniform(-0.3, 1.0) * eyes, 0, size))
        rows = labels[:line] == 0
        picture[:line][rows] = backdrops(random, size)[:line][rows]
    if random.random() < 0.5:
        line = int(np.clip(points[8, 1] + random.uniform(0.02, 0.3) * size, 0, size))
        rows = labels[line:] == 0
        picture[line:][rows] = backdrops(random, size)[line:][rows]
    return picture


def occlude(picture, random):
    """An ellipse of one grey, mostly over the rim of the face."""
    size = len(picture)
    x, y = random.random(2)
    rx, ry = random.uniform(0.03, 0.16, 2)
    if abs(x - 0.5) < 0.2 and abs(y - 0.5) < 0.2:
        rx, ry = 0.4 * rx, 0.4 * ry
    v, u = np.ogrid[0:1:size * 1j, 0:1:size * 1j]
    picture[((u - x) / rx) ** 2 + ((v - y) / ry) ** 2 < 1] = random.random()


def spoil(picture, random):
    """Light, contrast, blur, noise and compression: [S, S] float in [0, 1] -> uint8."""
    size = len(picture)
    ramp = np.linspace(-1, 1, size, dtype=np.float32)
    field = random.normal(0, 0.25) * ramp[None] + random.normal(0, 0.12) * ramp[:, None] + random.uniform(0, 0.25) * smooth_field(random, 4, size)
    picture = np.clip(picture, 1e-3, 1) ** np.float32(math.exp(random.normal(0, 0.3))) * np.exp(field.astype(np.float32) + np.float32(random.normal(0, 0.2)))
    middle = picture.mean()
    picture = middle + (picture - middle) * np.float32(math.exp(random.normal(0, 0.2)))
    image = Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8))
    if random.random() < 0.5:
        image = image.filter(ImageFilter.GaussianBlur(random.uniform(0, 2) ** 2 / 2))
    if random.random() < 0.2:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=int(random.integers(25, 92)))
        image = Image.open(buffer)
    picture = np.asarray(image)
    if random.random() < 0.5:
        picture = np.clip(picture + random.standard_normal(picture.shape, np.float32) * np.float32(random.uniform(0, 10)), 0, 255)
    return picture.astype(np.uint8)


def random_map(points, random, turn, stretch):
    """[2, 3]: picture -> crop, the scattered box of the turned and stretched landmarks [68, 2] being the middle of the crop."""
    angle, wide, shear = random.normal(0, math.radians(turn)), random.normal(0, stretch), random.normal(0, stretch)
    c, s = math.cos(angle), math.sin(angle)
    linear = np.array([[c, -s], [s, c]]) @ np.array([[math.exp(wide / 2), shear], [0, math.exp(-wide / 2)]])
    middle, width = box_of(points @ linear.T, random)
    scale = BOX / width
    return np.concatenate([scale * linear, (SIZE / 2 - scale * middle)[:, None]], 1)


def crop(picture, forward):
    """Grey float [H, W] through the map [2, 3], bilinear, edges repeated. -> [SIZE, SIZE] float32."""
    inverse = np.linalg.inv(forward[:, :2])
    shift = -inverse @ forward[:, 2]
    pad = SIZE  # PIL fills with black outside
    padded = np.pad(picture, pad, mode="edge") if needs_edge(picture, inverse, shift) else picture
    offset = pad if padded is not picture else 0
    # PIL's AFFINE takes the corner of the first pixel as 0, as we do.
    a = (inverse[0, 0], inverse[0, 1], shift[0] + offset, inverse[1, 0], inverse[1, 1], shift[1] + offset)
    return np.asarray(Image.fromarray(padded.astype(np.float32)).transform((SIZE, SIZE), Image.AFFINE, a, Image.BILINEAR))


def needs_edge(picture, inverse, shift):
    corners = np.array([[0, 0], [SIZE, 0], [0, SIZE], [SIZE, SIZE]]) @ inverse.T + shift
    return corners.min() < 1 or (corners > np.array(picture.shape[::-1]) - 1).any()


class Renders:
    """Samples of render caches (one after the other, mirrored by chance)."""

    def __init__(self, caches, backdrops):
        self.caches, self.backdrops = caches, backdrops
        self.rows = [(c, i) for c in range(len(caches)) for i in range(caches[c].stored())]

    def __call__(self, random):
        c, i = self.rows[random.integers(len(self.rows))]
        cache = self.caches[c]
        step = max(1, cache.info["size"] // 256)
        points = np.float64(cache.landmarks[i]) / step
        rgb, labels = np.asarray(cache.rgb[i]), np.asarray(cache.labels[i])[::step, ::step]
        if step > 1:
            rgb = np.asarray(Image.fromarray(rgb).reduce(step))
        picture = repaint(grey(rgb, random), labels, points, self.backdrops, random)
        return sample(picture, points, random, turn=6, stretch=0.05)


class Portraits:
    """Samples of photographs with landmarks: JSON list of {"file", "landmarks": 68 x [x, y] or null where unknown}, pixels of the photograph."""

    def __init__(self, listing):
        with open(listing) as file:
            entries = json.load(file)
        self.entries = []
        for entry in entries:
            points = np.array([[np.nan, np.nan] if p is None else p for p in entry["landmarks"]])
            outline = np.array(entry.get("outline", points.tolist()))  # complete, for the box
            rgb = Image.open(entry["file"]).convert("RGB")
            middle, width = box_of(outline)
            scale = max(1.0, width / (1.2 * BOX))
            half = width * 1.3 * SIZE / BOX / 2
            left, top = (int(v) for v in np.maximum(middle - half, 0))
            right, bottom = (int(v) for v in np.minimum(middle + half, rgb.size))
            shape = max(1, round((right - left) / scale)), max(1, round((bottom - top) / scale))
            rgb = rgb.resize(shape, Image.BOX, (left, top, right, bottom))
            factor = np.array(shape) / (right - left, bottom - top)
            self.entries.append((np.asarray(rgb), (points - (left, top)) * factor, (outline - (left, top)) * factor))

    def __call__(self, random):
        rgb, points, outline = self.entries[random.integers(len(self.entries))]
        return sample(grey(rgb, random), points, random, turn=5, stretch=0.03, outline=outline)


def sample(picture, points, random, turn, stretch, outline=None):
    """-> crop [SIZE, SIZE] uint8, landmarks [68, 2] float32 in its pixels."""
    outline = points if outline is None else outline
    if random.random() < 0.5:
        width = picture.shape[1]
        picture = picture[:, ::-1]
        points, outline = (np.stack([width - p[MIRRORED, 0], p[MIRRORED, 1]], 1) for p in (points, outline))
    forward = random_map(outline, random, turn, stretch)
    cut = np.array(crop(picture, forward))
    if random.random() < 0.15:
        occlude(cut, random)
    return spoil(cut, random), np.float32(points @ forward[:, :2].T + forward[:, 2])


def write(path, source, count, seed):
    random = np.random.default_rng(seed)
    with open(path + ".tmp", "wb") as file:
        file.write(f"{MAGIC} {count} {SIZE}\n".encode())
        for _ in range(count):
            picture, points = source(random)
            file.write(points.astype("<f4").tobytes())
            file.write(picture.tobytes())
    os.replace(path + ".tmp", path)


def read(path):
    """-> pictures [N, SIZE, SIZE] uint8 (memory map), landmarks [N, 68, 2] float32."""
    with open(path, "rb") as file:
        line = file.readline(200).decode()
    count, size = (int(v) for v in line[len(MAGIC):].split())
    records = np.memmap(path, np.uint8, "r", len(line), (count, 136 * 4 + size * size))
    return records[:, 544:].reshape(count, size, size), np.ascontiguousarray(records[:, :544]).view("<f4").reshape(count, 68, 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--cache", nargs="*", default=[])
    parser.add_argument("--labelled")
    parser.add_argument("--backgrounds", help="folder of photographs whose upper corners become backdrops")
    parser.add_argument("--out", required=True)
    parser.add_argument("-n", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    if bool(a.cache) == bool(a.labelled):
        parser.error("either --cache or --labelled")
    source = Portraits(a.labelled) if a.labelled else Renders([Cache(c) for c in a.cache], Backdrops(a.backgrounds))
    write(a.out, source, a.n, a.seed)


if __name__ == "__main__":
    main()
