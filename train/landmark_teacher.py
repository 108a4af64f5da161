"""Labels photographs with 68 landmarks without anybody's labels: a heat-map head on the renders-only extractor, trained on renders alone.

    python3 train/landmark_teacher.py --f W/f.pt --samples W/renders.samples --held-out W/held.samples --work W/teacher --steps 600
    python3 train/landmark_teacher.py --f W/f.pt --work W/teacher --portraits PORTRAITS --found W/found --out W/portraits

A network sees more than the pixel differences of regression trees and carries over from renders to photographs better, but takes 100 times
as long; so it teaches the trees (train_landmarks). `--found`: what `likeness align PORTRAITS --landmarks --landmark-model FILE` wrote with
trees trained on renders alone; it tells where the faces are. A landmark is kept where the answers for shifted, scaled and mirrored crops
agree. Writes OUT-train.json and OUT-held.json (every fifth portrait) for train/landmark_data.py --labelled.
"""
import argparse
import glob
import json
import os

import common

if __name__ == "__main__":
    common.reuse_memory()

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from PIL import Image

import evaluate_f
import landmark_data as data

INPUT = 256           # pixels of the extractor's picture: the crop with its edge repeated, so the scale of the extractor's own training
CELLS = 64            # of a heat map's side
MOST_SPREAD = 3.5  # pixels of the crop (6 % of the inter-ocular distance): deviation over the views above which a landmark is dropped
VIEWS = [(0, 0, 1), (-0.05, 0.03, 0.95), (0.05, -0.03, 1.06)]  # shift and zoom of the box, in boxes; each also mirrored


class Head(nn.Module):
    """Features of all depths -> heat maps' logits [N, 68, CELLS, CELLS]."""

    def __init__(self, channels, width=48):
        super().__init__()
        self.lateral = nn.ModuleList([nn.Conv2d(c, width, 1) for c in channels])
        self.mix = nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, width, 3, 1, 1), nn.BatchNorm2d(width), nn.ReLU(),
                                 nn.Conv2d(width, width, 3, 1, 2, 2), nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, 68, 1))

    def forward(self, features):
        total = 0
        for lateral, feature in zip(self.lateral, features):
            y = lateral(F.avg_pool2d(feature, 2) if feature.shape[-1] > CELLS else feature)
            total = total + F.interpolate(y, (CELLS, CELLS), mode="bilinear", align_corners=False)
        return self.mix(total)


def points_of(logits):
    """Mean of the heat map around its peak, in pixels of the crop. [N, 68, 2], and the peak's weight [N, 68]."""
    n = logits.shape[0]
    p = logits.float().flatten(2).softmax(2)
    grid = (torch.arange(CELLS, device=logits.device) + 0.5) * (INPUT / CELLS) - (INPUT - data.SIZE) / 2
    peak = p.argmax(2)
    near = ((torch.arange(CELLS).view(1, 1, 1, -1) - (peak % CELLS)[..., None, None]).abs() <= 3) & \
        ((torch.arange(CELLS).view(1, 1, -1, 1) - (peak // CELLS)[..., None, None]).abs() <= 3)
    q = p.view(n, 68, CELLS, CELLS) * near
    weight = q.sum((2, 3))
    q = q / weight[..., None, None]
    return torch.stack([(q.sum(2) * grid).sum(2), (q.sum(3) * grid).sum(2)], 2), weight


def loss_of(logits, points):
    """Cross-entropy to a small Gaussian, and the distance of the heat map's mean."""
    cells = (points + (INPUT - data.SIZE) / 2) * (CELLS / INPUT)
    axis = torch.arange(CELLS) + 0.5
    x = torch.exp(-(axis - cells[..., :1]) ** 2 / 2)
    y = torch.exp(-(axis - cells[..., 1:]) ** 2 / 2)
    target = (y[..., :, None] * x[..., None, :]).flatten(2)
    inside = target.sum(2) > 1  # a landmark outside the picture teaches nothing
    target = target / target.sum(2, keepdim=True).clamp(min=1e-6)
    log_p = logits.flatten(2).log_softmax(2)
    p = log_p.exp().view_as(logits)
    mean = torch.stack([(p.sum(2) * axis).sum(2), (p.sum(3) * axis).sum(2)], 2)
    return -((target * log_p).sum(2) * inside).mean() + 0.5 * ((mean - cells).abs().sum(2) * inside).mean()


def tensor(crops):
    """[N, SIZE, SIZE] grey uint8 -> [N, 3, INPUT, INPUT]."""
    x = torch.from_numpy(np.ascontiguousarray(crops)).float()[:, None] / 255
    return F.pad(x, [(INPUT - data.SIZE) // 2] * 4, mode="replicate").expand(-1, 3, -1, -1)


@torch.no_grad()
def features(network, crops):
    with common.half_precision(torch.device("cpu"), True):
        return [f.float() for f in network.features(tensor(crops))]


@torch.no_grad()
def predict(network, head, crops, batch=16):
    """Landmarks [N, 68, 2] in pixels of the crop."""
    head.eval()
    return np.concatenate([points_of(head(features(network, crops[i:i + batch])))[0].numpy() for i in range(0, len(crops), batch)])


def inner_error(found, exact):
    """[N]: mean distance of the inner landmarks, parts of the distance between the eyes."""
    eyes = np.linalg.norm(exact[:, 42:48].mean(1) - exact[:, 36:42].mean(1), axis=1)
    return np.linalg.norm(found - exact, axis=2)[:, 17:].mean(1) / eyes


def train(a, network):
    log = common.Log(os.path.join(a.work, "teacher.log"))
    crops, points = data.read(a.samples)
    held_crops, held_points = data.read(a.held_out)
    head = Head(network.architecture["widths"])
    optimiser = torch.optim.Adam(head.parameters(), a.rate)
    random = np.random.default_rng(a.seed)
    for step in range(a.steps):
        rows = random.integers(0, len(crops), a.batch)
        for group in optimiser.param_groups:
            group["lr"] = common.learning_rate(a.rate, step / a.steps, (step + 1) / 20)
        head.train()
        loss = loss_of(head(features(network, crops[rows])), torch.from_numpy(points[rows]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if (step + 1) % 50 == 0 or step + 1 == a.steps:
            error = inner_error(predict(network, head, held_crops[:48]), held_points[:48])
            log(step=step + 1, loss=float(loss), held_out_median=float(np.median(error)))
            common.save_checkpoint(os.path.join(a.work, "teacher.pt"), {"head": head.state_dict(), "step": step + 1})


def views_of(picture, points):
    """Crops [2 V, SIZE, SIZE] uint8 around landmarks in a grey picture, and their maps [2 V, 2, 3]; the second half is to be mirrored."""
    middle, width = data.box_of(points)
    eyes = points[42:48].mean(0) - points[36:42].mean(0)
    c, s = eyes / np.linalg.norm(eyes)
    turn = np.array([[c, s], [-s, c]])  # the eyes' line becomes level
    crops, maps = [], []
    for dx, dy, zoom in VIEWS:
        scale = data.BOX / width * zoom
        forward = np.concatenate([scale * turn, (data.SIZE / 2 - scale * turn @ (middle + width * np.array([dx, dy])))[:, None]], 1)
        crops.append((255 * np.clip(data.crop(picture, forward), 0, 1)).astype(np.uint8))
        maps.append(forward)
    return np.stack(crops + [v[:, ::-1] for v in crops]), np.stack(maps + maps)


def label(network, head, rgb, points):
    """Landmarks [68, 2] of a photograph [H, W, 3] near `points`, and whether each is agreed on [68]."""
    middle, width = data.box_of(points)
    shrink = max(1, int(width / (1.5 * data.BOX)))
    picture = np.asarray(Image.fromarray(rgb).reduce(shrink).convert("L"), np.float32) / 255
    crops, maps = views_of(picture, points / shrink)
    found = predict(network, head, crops)
    half = len(VIEWS)
    found[half:] = np.stack([data.SIZE - found[half:, data.MIRRORED, 0], found[half:, data.MIRRORED, 1]], 2)
    inverse = np.linalg.inv(maps[:, :, :2])
    answers = np.einsum("vij,vkj->vki", inverse, found - maps[:, None, :, 2]) * shrink
    spread = np.sqrt(((answers - answers.mean(0)) ** 2).sum(2).mean(0)) * data.BOX / width
    return np.median(answers, 0), spread < MOST_SPREAD


def label_portraits(a, network):
    head = Head(network.architecture["widths"])
    head.load_state_dict(torch.load(os.path.join(a.work, "teacher.pt"))["head"])
    entries, kept = [], []
    for path in sorted(glob.glob(os.path.join(a.found, "*.json"))):
        file = os.path.join(a.portraits, os.path.basename(path)[:-5] + ".jpg")
        with open(path) as f:
            found = np.float64(json.load(f)["photo"])
        points, agreed = label(network, head, np.asarray(Image.open(file).convert("RGB")), found)
        if agreed[17:].mean() < 0.6:
            continue
        kept.append(agreed.mean())
        rounded = points.round(3).tolist()
        entries.append({"file": os.path.abspath(file), "landmarks": [p if k else None for p, k in zip(rounded, agreed)], "outline": rounded})
    for name, part in (("train", [e for i, e in enumerate(entries) if i % 5]), ("held", entries[::5])):
        with open(f"{a.out}-{name}.json", "w") as f:
            json.dump(part, f)
    print(len(entries), "portraits,", round(float(np.mean(kept)), 3), "of their landmarks")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--f", required=True, help="checkpoint of train_f.py, trained on renders only")
    parser.add_argument("--work", required=True)
    parser.add_argument("--samples")
    parser.add_argument("--held-out")
    parser.add_argument("--portraits", help="folder of photographs")
    parser.add_argument("--found")
    parser.add_argument("--out")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    a = parser.parse_args()
    common.prepare(a.threads, a.seed, "cpu")
    os.makedirs(a.work, exist_ok=True)
    network = evaluate_f.open_network(a.f).eval()
    if a.portraits:
        label_portraits(a, network)
    else:
        train(a, network)


if __name__ == "__main__":
    main()
