"""Label maps for aligned photographs from the current network and from 68 landmarks, for self-training.

The landmarks give eyes, brows, lips, inner mouth, nose and the lower outline of the face as polygons; the network gives hair and
background where it is sure (mean over mirrored and scaled copies); the rest is ignored (255).
"""
import glob
import json
import os

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw

import common

SURE = 0.7


def load(directory, size=256):
    """STEM.png with STEM.json ({"frame": [[x, y] * 68]} in pixels of the picture). Returns (rgb [N, S, S, 3], landmarks [N, 68, 2])."""
    pictures, points = [], []
    for path in sorted(glob.glob(os.path.join(directory, "*.json"))):
        with open(path) as file:
            landmarks = np.array(json.load(file)["frame"], np.float32)
        picture = Image.open(path[:-5] + ".png").convert("RGB")
        points.append(landmarks * (size / picture.size[0]))
        pictures.append(np.asarray(picture.resize((size, size), Image.BOX if picture.size[0] >= size else Image.BILINEAR)))
    return np.stack(pictures), np.stack(points)


def _mask(size, outline):
    picture = Image.new("L", (2 * size, 2 * size))
    ImageDraw.Draw(picture).polygon([(2 * float(x), 2 * float(y)) for x, y in outline], fill=255)
    return np.asarray(picture.resize((size, size), Image.BOX)) > 127


def shapes(landmarks, size):
    """class -> mask, drawn in this order (later ones on top): 7 nose, 3/4 brows, 5/6 eyes, 8 upper lip, 10 lower lip, 9 inner mouth; and 'jaw'."""
    p = landmarks
    eyes = np.linalg.norm(p[42:48].mean(0) - p[36:42].mean(0))
    up = np.array([0.0, -1.0], np.float32) * eyes
    out = {"jaw": _mask(size, np.concatenate([p[0:17], p[26:16:-1]]))}
    side = np.array([0.05 * eyes, 0], np.float32)
    out[7] = _mask(size, [p[27] - 0.09 * eyes * np.array([1, 0]), p[27] + 0.09 * eyes * np.array([1, 0]), p[29] + 3.2 * side, p[35] + 1.8 * side,
                          p[35] + 0.8 * side - 0.06 * up, p[34], p[33] - 0.02 * up, p[32], p[31] - 0.8 * side - 0.06 * up, p[31] - 1.8 * side, p[29] - 3.2 * side])
    for label, line in ((3, p[17:22]), (4, p[22:27])):
        thick = np.array([0.035, 0.06, 0.07, 0.07, 0.055]) if label == 3 else np.array([0.055, 0.07, 0.07, 0.06, 0.035])
        out[label] = _mask(size, np.concatenate([line + 0.4 * thick[:, None] * up, (line - 1.3 * thick[:, None] * up)[::-1]]))
    out[5], out[6] = _mask(size, p[36:42]), _mask(size, p[42:48])
    out[8] = _mask(size, np.concatenate([p[48:55], p[64:59:-1]]))
    out[10] = _mask(size, np.concatenate([p[54:60], p[48:49], p[60:61], p[67:63:-1]]))
    out[9] = _mask(size, p[60:68])
    return out


def merge(probability, landmarks):
    """probability [11, S, S] of the network, landmarks [68, 2] in pixels -> labels [S, S] uint8, 255 where unsure."""
    size = probability.shape[-1]
    drawn = shapes(landmarks, size)
    best, sure = probability.argmax(0), probability.max(0) > SURE
    outside = probability[[0, 1, 2]] / np.maximum(probability[[0, 1, 2]].sum(0), 1e-6)
    labels = np.full((size, size), 255, np.uint8)
    settled = outside.max(0) > SURE
    labels[settled] = outside.argmax(0)[settled]
    y = np.arange(size)[:, None]
    eye_line = landmarks[36:48, 1].mean()
    jaw = drawn["jaw"]
    # Below the eyes the inside of the jaw is face, whatever a beard or a shadow looks like; above them hair may fall into it.
    labels[jaw & (y > eye_line)] = 1
    labels[jaw & (y <= eye_line) & (labels == 0)] = 1
    # Below the chin there is no face: neck and clothes are background unless hair lies on them.
    below = ~jaw & (y > landmarks[[3, 13], 1].mean())
    labels[below & (labels == 1)] = 0
    for label in (7, 3, 4, 5, 6, 8, 10, 9):
        mask = drawn[label]
        if label in (3, 4):
            # A brow is drawn thick; its rim is left to the network.
            agreed = mask & (best == label)
            labels[mask] = 255
            labels[agreed | (mask & (probability[label] > 0.3))] = label
            labels[mask & (best == 1) & sure] = 1
            if agreed.sum() < 0.25 * mask.sum():
                labels[mask & (best != 2)] = label
        elif label == 9:
            # Landmarks of a closed mouth still leave a sliver between the lips.
            if landmarks[65:68, 1].mean() - landmarks[61:64, 1].mean() > 0.06 * (landmarks[42:48, 0].mean() - landmarks[36:42, 0].mean()):
                labels[mask] = 9
        else:
            labels[mask] = label
    hair = labels == 2
    labels[hair & ~_reached(labels == 1, hair)] = 0  # hair that hangs together with no face is a dark backdrop
    return labels


def _reached(seed, region):
    """The part of `region` that hangs together with `seed` (both [S, S] bool), found at half resolution."""
    r = F.max_pool2d(torch.from_numpy(region)[None, None].float(), 2)
    s = F.max_pool2d(torch.from_numpy(seed)[None, None].float(), 5, 2, 2)  # the seam between face and hair is often ignored
    grown = F.max_pool2d(s, 3, 1, 1) * r
    while True:
        more = F.max_pool2d(F.max_pool2d(grown, 3, 1, 1) * r, 3, 1, 1) * r
        if bool((more == grown).all()):
            return F.interpolate(grown, scale_factor=2, mode="nearest")[0, 0].numpy() > 0
        grown = more


@torch.no_grad()
def probabilities(network, rgb, device):
    """Mean class probabilities [N, 11, S, S] over two scales and their mirror images; rgb [N, 3, S, S]."""
    network.eval()
    total = 0
    mirrored = [0, 1, 2, 4, 3, 6, 5, 7, 8, 9, 10]
    size = rgb.shape[-1]
    for scaled in (size, size * 9 // 8 // 32 * 32):
        x = F.interpolate(rgb.to(device), (scaled, scaled), mode="bilinear", align_corners=False) if scaled != size else rgb.to(device)
        for flip in (False, True):
            p = network(x.flip(3) if flip else x).softmax(1)
            p = p.flip(3)[:, mirrored] if flip else p
            total = total + F.interpolate(p, (size, size), mode="bilinear", align_corners=False)
    return total / 4


def label(network, aligned, device, batch=8):
    """aligned: what load() gives. Returns (rgb, labels [N, S, S] uint8)."""
    rgb, landmarks = aligned
    maps = []
    for i in range(0, len(rgb), batch):
        part = torch.from_numpy(rgb[i:i + batch].copy()).permute(0, 3, 1, 2).float() / 255
        for p, points in zip(probabilities(network, part, device).cpu().numpy(), landmarks[i:i + batch]):
            maps.append(merge(p, points))
    return rgb, np.stack(maps)


def write_sheet(path, rgb, labels):
    pick = np.arange(0, len(rgb), max(1, len(rgb) // 12))[:12]
    picture = torch.from_numpy(rgb[pick].copy()).permute(0, 3, 1, 2).float() / 255
    common.write_sheet(path, [picture, common.coloured(torch.from_numpy(labels[pick]))])
