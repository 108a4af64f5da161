"""Mean intersection over union of an extractor over the 11 classes, on held-out renders and on labelled photographs.

    python3 train/evaluate_f.py --checkpoint f.pt --held-out CACHE [--labelled DIR] [--sheet OUT.png]

DIR holds NNN.jpg and NNN.png (class numbers, 255: ignore). Photographs are brought into the frame of the renders by the similarity that
maps the centres of eyes and mouth of the label map onto REFERENCE; the labels serve only for measuring.
"""
import argparse
import glob
import os

import common

if __name__ == "__main__":
    common.reuse_memory()

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

import models

NAMES = ["background", "face", "hair", "left_brow", "right_brow", "left_eye", "right_eye", "nose", "upper_lip", "inner_mouth", "lower_lip"]


def reference_points(landmarks):
    """Mean centres of left eye, right eye and mouth of renders, as fractions of the size. landmarks: [N, 68, 2] fractions."""
    mean = np.asarray(landmarks).mean(0)
    return np.stack([mean[36:42].mean(0), mean[42:48].mean(0), mean[48:60].mean(0)])


def similarity(source, target):
    """Least-squares similarity [2, 3] that maps source points to target points (no reflection)."""
    source, target = np.asarray(source, float), np.asarray(target, float)
    a, b = source.mean(0), target.mean(0)
    s = (source - a) @ np.array([1, 1j])
    t = (target - b) @ np.array([1, 1j])
    z = (np.conj(s) @ t) / (np.conj(s) @ s)
    linear = np.array([[z.real, -z.imag], [z.imag, z.real]])
    return np.concatenate([linear, (b - linear @ a)[:, None]], 1)


def align(picture, matrix, size, nearest=False):
    """PIL picture -> [size, size] picture under the map source pixels -> target pixels."""
    full = np.concatenate([matrix, [[0, 0, 1]]])
    inverse = np.linalg.inv(full)[:2]
    scale = np.sqrt(abs(np.linalg.det(inverse[:, :2])))
    if not nearest and scale > 1.5:  # shrink first, so that bilinear sampling sees no aliases
        step = int(scale + 0.5)
        picture = picture.reduce(step)
        inverse = inverse / step
    return picture.transform((size, size), Image.AFFINE, tuple(inverse.ravel()), Image.NEAREST if nearest else Image.BILINEAR, fillcolor=255 if nearest else (0, 0, 0))


def load_labelled(directory, reference, size=256):
    """(rgb [N, 3, S, S] float, labels [N, S, S]) of photographs whose label map shows both eyes and a mouth."""
    pictures, maps = [], []
    for path in sorted(glob.glob(os.path.join(directory, "*.png"))):
        labels = np.asarray(Image.open(path))
        centres = []
        for classes in ((5,), (6,), (8, 9, 10)):
            y, x = np.nonzero(np.isin(labels, classes))
            if len(x) > 20:
                centres.append((x.mean() + 0.5, y.mean() + 0.5))
        if len(centres) < 3:
            continue
        photo = Image.open(path[:-4] + ".jpg").convert("RGB")
        matrix = similarity(centres, reference * size)
        if np.abs(centres @ matrix[:, :2].T + matrix[:, 2] - reference * size).max() > 0.1 * size:
            continue  # sides swapped, or a profile
        pictures.append(np.asarray(align(photo, matrix, size)))
        maps.append(np.asarray(align(Image.fromarray(labels), matrix, size, nearest=True)))
    rgb = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
    return rgb, torch.from_numpy(np.stack(maps)).long()


@torch.no_grad()
def predict(network, rgb):
    """Class probabilities at the size of the picture."""
    return F.interpolate(network(rgb), rgb.shape[-2:], mode="bilinear", align_corners=False).softmax(1)


@torch.no_grad()
def confusion(network, rgb, labels, batch=8):
    """[11, 11] pixel counts: true class (rows), predicted class (columns)."""
    network.eval()
    total = torch.zeros(11, 11, dtype=torch.long)
    for i in range(0, len(rgb), batch):
        guess = F.interpolate(network(rgb[i:i + batch].to(network.pixel_mean.device)), rgb.shape[-2:], mode="bilinear", align_corners=False).argmax(1).cpu()
        truth = labels[i:i + batch]
        seen = truth < 11
        total += torch.bincount(truth[seen] * 11 + guess[seen], minlength=121).view(11, 11)
    return total


def iou(counts):
    hit = counts.diag().double()
    return hit / (counts.sum(0) + counts.sum(1) - counts.diag()).clamp(min=1)


def renders(cache, count):
    rows = slice(0, min(count, cache.stored()))
    return torch.from_numpy(np.array(cache.rgb[rows])).permute(0, 3, 1, 2).float() / 255, torch.from_numpy(np.array(cache.labels[rows])).long()


def open_network(path):
    """The averaged network of a checkpoint of train_f.py."""
    state = torch.load(path, map_location="cpu")
    network = models.ResidualNet(state["architecture"])
    network.load_state_dict(state["average"])
    return network.eval()


def report(name, counts):
    values = iou(counts)
    print(f"{name}_miou {values.mean():.4f}")
    for label, value in zip(NAMES, values):
        print(f"{name}_iou_{label} {value:.4f}")


def main():
    from scene_stream import Cache
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--held-out", required=True, help="cache of held-out renders (also gives the reference frame)")
    parser.add_argument("--labelled")
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--sheet", help="picture: photographs, predicted and true labels")
    parser.add_argument("--threads", type=int, default=1)
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    network, cache = open_network(a.checkpoint), Cache(a.held_out)
    report("renders", confusion(network, *renders(cache, a.count)))
    if a.labelled:
        reference = reference_points(cache.landmarks[:cache.stored()] / cache.info["size"])
        rgb, labels = load_labelled(a.labelled, reference)
        print("photos", len(rgb))
        report("photos", confusion(network, rgb, labels))
        if a.sheet:
            pick = torch.arange(0, len(rgb), max(1, len(rgb) // 12))[:12]
            guess = predict(network, rgb[pick]).argmax(1)
            common.write_sheet(a.sheet, [rgb[pick], common.coloured(guess), common.coloured(labels[pick])])


if __name__ == "__main__":
    main()
