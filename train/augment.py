"""Turns renders (and aligned photos) into training pictures for the extractor: torch operations on whole batches.

Order: backdrop replaced -> clothes -> beards, glasses and occluders -> affine errors as alignment makes them -> colour, light, blur, noise,
compression. Labels follow the geometry. All randomness comes from torch's generator of the process.
"""
import glob
import io
import math
import os

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

MIRRORED = torch.arange(256)
MIRRORED[[3, 4, 5, 6]] = torch.tensor([4, 3, 6, 5])


def uniform(count, low, high, *shape):
    return torch.rand(count, *shape) * (high - low) + low


def backdrop_rows(rgb, sample=200):
    """The client's backdrop has one colour per row: the most frequent colour of each row over some renders. Returns [S, 3] uint8."""
    rgb = np.asarray(rgb[:sample]).astype(np.uint32)
    packed = (rgb[..., 0] << 16) | (rgb[..., 1] << 8) | rgb[..., 2]
    rows = []
    for y in range(packed.shape[1]):
        values, counts = np.unique(packed[:, y], return_counts=True)
        v = int(values[counts.argmax()])
        rows.append(((v >> 16) & 255, (v >> 8) & 255, v & 255))
    return np.array(rows, np.uint8)


def smooth_noise(count, channels, size, cells):
    """Random values in [0, 1] on a coarse grid, enlarged."""
    return F.interpolate(torch.rand(count, channels, cells, cells), (size, size), mode="bilinear", align_corners=False)


class Backgrounds:
    """Random fillings [N, 3, S, S]: plain colours, gradients, soft noise, patches of photographs' upper corners where a folder is given."""

    def __init__(self, photos=None, limit=400):
        self.patches = []
        for path in sorted(glob.glob(os.path.join(photos, "*.jpg")))[:limit] if photos else []:
            picture = Image.open(path).convert("RGB")
            w, h = picture.size
            for box in ((0, 0, int(0.3 * w), int(0.45 * h)), (int(0.7 * w), 0, w, int(0.45 * h))):
                self.patches.append(np.asarray(picture.crop(box).resize((64, 96), Image.BILINEAR)))

    def __call__(self, count, size):
        out = torch.rand(count, 3, 1, 1).expand(count, 3, size, size).clone()
        ramp = torch.linspace(0, 1, size)
        for i in range(count):
            kind = torch.randint(0, 4 if self.patches else 3, ()).item()
            if kind == 1:
                a, b = torch.rand(2, 3, 1, 1)
                t = ramp[None, :] * (torch.rand(()) * 2 - 1) + ramp[:, None] * (torch.rand(()) * 2 - 1)
                t = (t - t.min()) / (t.max() - t.min() + 1e-6)
                out[i] = a + (b - a) * t
            elif kind == 2:
                out[i] = 0.5 * out[i] + 0.5 * smooth_noise(1, 3, size, int(torch.randint(2, 24, ())))[0]
            elif kind == 3:
                patch = self.patches[torch.randint(0, len(self.patches), ()).item()]
                if torch.rand(()) < 0.5:
                    patch = patch[:, ::-1].copy()
                patch = torch.from_numpy(np.array(patch)).permute(2, 0, 1)[None].float() / 255
                h, w = int(torch.randint(24, 97, ())), int(torch.randint(24, 65, ()))
                out[i] = F.interpolate(patch[:, :, :h, :w], (size, size), mode="bilinear", align_corners=False)[0]
        return out


def fine_texture(count, size):
    """Grey noise around 1 of random strength: cloth, grain."""
    coarse = F.interpolate(torch.rand(count, 1, size // 2, size // 2), (size, size), mode="nearest")
    return 1 + (coarse - 0.5) * uniform(count, 0, 0.4, 1, 1, 1)


def paint_clothes(rgb, labels, landmarks):
    """Covers the label-0 body below a random collar line, and a strip in the middle (shirt, tie)."""
    count, _, size, _ = rgb.shape
    y, x = torch.meshgrid(torch.linspace(0, 1, size), torch.linspace(0, 1, size), indexing="ij")
    chin = landmarks[:, 8, 1].view(-1, 1, 1) / size
    centre = landmarks[:, 8, 0].view(-1, 1, 1) / size
    away = (x[None] - centre).abs()
    line = chin + uniform(count, -0.02, 0.18, 1, 1) + away * uniform(count, -0.6, 0.5, 1, 1)
    free = (labels == 0) & (y[None] > chin - 0.12)
    wear = torch.rand(count, 1, 1) < 0.75
    cloth = free & (y[None] > line) & wear
    colour = torch.rand(count, 3, 1, 1) ** 1.5 * fine_texture(count, size)
    rgb = torch.where(cloth[:, None], colour, rgb)
    opening = line + uniform(count, 0, 0.12, 1, 1)
    shirt = cloth & (away < (y[None] - opening + 0.06) * uniform(count, -0.5, 0.9, 1, 1))
    rgb = torch.where(shirt[:, None], torch.rand(count, 3, 1, 1).sqrt() * fine_texture(count, size), rgb)
    tie = shirt & (away < uniform(count, 0.015, 0.05, 1, 1))
    return torch.where(tie[:, None], torch.rand(count, 3, 1, 1).expand_as(rgb), rgb)


def paint_beard(rgb, labels, landmarks, share):
    """Dark or grey stubble to full beard on the skin below the nose; labels stay face."""
    count, _, size, _ = rgb.shape
    y, x = torch.meshgrid(torch.arange(size) + 0.5, torch.arange(size) + 0.5, indexing="ij")
    for i in (torch.rand(count) < share).nonzero().flatten().tolist():
        p = landmarks[i]
        half = (p[12, 0] - p[4, 0]).abs() / 2 + 1
        top = p[33, 1] + 0.1 * (p[51, 1] - p[33, 1])
        cheek = top + (p[8, 1] - top) * (0.9 - 1.3 * ((x - p[8, 0]) / half).abs()).clamp(min=0) * float(uniform(1, 0, 0.6))
        soft = ((y - cheek) / (0.06 * size)).clamp(0, 1) * (labels[i] == 1)
        if torch.rand(()) < 0.3:
            soft = soft * (((x - p[51, 0]).abs() < 0.6 * half) & (y < p[57, 1]))  # a moustache only
        grain = 0.5 + torch.rand(size, size)
        strength = (soft * grain * float(uniform(1, 0.2, 1.0))).clamp(0, 0.95)
        colour = (torch.rand(1, 1, 1) ** 2 * 0.7).expand(3, 1, 1) * torch.tensor([1.0, 0.85, 0.7]).view(3, 1, 1) ** float(uniform(1, 0, 2))
        rgb[i] = rgb[i] * (1 - strength) + colour * strength * (0.6 + 0.4 * grain)
    return rgb


def draw_glasses(rgb, landmarks, share):
    """Rims around both eyes and a bridge; labels stay (glasses belong to what they cover)."""
    count, _, size, _ = rgb.shape
    chosen = (torch.rand(count) < share).nonzero().flatten().tolist()
    y, x = torch.meshgrid(torch.arange(size) + 0.5, torch.arange(size) + 0.5, indexing="ij")
    for i in chosen:
        left, right = landmarks[i, 36:42].mean(0), landmarks[i, 42:48].mean(0)
        distance = float((right - left).norm())
        rx, ry = distance * float(uniform(1, 0.30, 0.42)), distance * float(uniform(1, 0.2, 0.36))
        power, rim = float(uniform(1, 2, 5)), float(uniform(1, 0.03, 0.09))
        drop = distance * float(uniform(1, 0.0, 0.1))
        mask = torch.zeros(size, size, dtype=torch.bool)
        lens = torch.zeros(size, size, dtype=torch.bool)
        for eye in (left, right):
            r = (((x - eye[0]) / rx).abs() ** power + ((y - eye[1] - drop) / ry).abs() ** power) ** (1 / power)
            mask |= (r - 1).abs() < rim
            lens |= r < 1
        mask |= ((y - left[1] - 0.3 * drop).abs() < rim * rx) & (x > left[0] + rx) & (x < right[0] - rx)
        colour = torch.rand(3, 1) * float(uniform(1, 0.05, 0.9))
        rgb[i][:, lens] = rgb[i][:, lens] * float(uniform(1, 0.75, 1.0)) + float(uniform(1, 0, 0.1))
        strength = float(uniform(1, 0.4, 1))
        rgb[i][:, mask] = rgb[i][:, mask] * (1 - strength) + colour * strength
    return rgb


def occlude(rgb, labels, share):
    """A random ellipse of one colour, labelled background."""
    count, _, size, _ = rgb.shape
    y, x = torch.meshgrid(torch.linspace(0, 1, size), torch.linspace(0, 1, size), indexing="ij")
    for i in (torch.rand(count) < share).nonzero().flatten().tolist():
        cx, cy = torch.rand(2).tolist()
        if abs(cx - 0.5) < 0.28 and 0.15 < cy < 0.8:
            continue  # keeps to the rim: a covered face is refused before it gets here
        rx, ry = uniform(2, 0.04, 0.2).tolist()
        mask = ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1
        rgb[i][:, mask] = torch.rand(3, 1) * fine_texture(1, size)[0, :, mask]
        labels[i][mask] = 0
    return rgb, labels


def affine_grids(count, size, strength=1.0):
    """Errors of an alignment: rotation, scale, shift, shear, small local waves. Returns a sampling grid [N, S, S, 2]."""
    s = strength
    angle = torch.randn(count) * math.radians(3) * s
    scale = torch.exp(torch.randn(count) * 0.05 * s)
    stretch = torch.exp(torch.randn(count) * 0.03 * s)
    shear = torch.randn(count) * 0.03 * s
    shift = torch.randn(count, 2) * 0.03 * s
    cos, sin = torch.cos(angle), torch.sin(angle)
    rows = torch.stack([torch.stack([cos * scale * stretch, -sin * scale + shear, shift[:, 0]], 1),
                        torch.stack([sin * scale, cos * scale / stretch, shift[:, 1]], 1)], 1)
    grid = F.affine_grid(rows, (count, 1, size, size), align_corners=False)
    waves = (smooth_noise(count, 2, size, 5) - 0.5) * uniform(count, 0, 0.05 * s, 1, 1, 1)
    return grid + waves.permute(0, 2, 3, 1)


def warp(rgb, labels, grid):
    """Pictures bilinearly (outside: the border repeats), labels by the nearest pixel (outside: `ignore` 255)."""
    rgb = F.grid_sample(rgb, grid, mode="bilinear", padding_mode="border", align_corners=False)
    moved = F.grid_sample(labels[:, None].float() + 1, grid, mode="nearest", padding_mode="zeros", align_corners=False)[:, 0].long()
    return rgb, torch.where(moved == 0, torch.full_like(moved, 255), moved - 1)


def mirror(rgb, labels, share=0.5):
    chosen = (torch.rand(rgb.shape[0]) < share).nonzero().flatten()
    rgb[chosen] = rgb[chosen].flip(3)
    labels[chosen] = MIRRORED[labels[chosen].flip(2)]
    return rgb, labels


_GREY = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)


def recolour(rgb, strength=1.0):
    """Light gradients, gamma, contrast, saturation, hue, channel gains, sometimes grey."""
    count, _, size, _ = rgb.shape
    ramp = torch.linspace(-1, 1, size)
    field = ramp.view(1, 1, 1, -1) * torch.randn(count, 1, 1, 1) * 0.2 + ramp.view(1, 1, -1, 1) * torch.randn(count, 1, 1, 1) * 0.1
    field = (field + (smooth_noise(count, 1, size, 4) - 0.5) * uniform(count, 0, 0.6, 1, 1, 1)) * strength
    rgb = rgb.clamp(1e-4, 1).pow(torch.exp(torch.randn(count, 1, 1, 1) * 0.25 * strength))
    rgb = rgb * torch.exp(field + torch.randn(count, 1, 1, 1) * 0.12 * strength + torch.randn(count, 3, 1, 1) * 0.06 * strength)
    mean = rgb.mean((2, 3), keepdim=True)
    rgb = mean + (rgb - mean) * torch.exp(torch.randn(count, 1, 1, 1) * 0.2 * strength)
    # Hue: rotation about the grey axis; saturation: distance from it.
    angle = torch.randn(count) * 0.12 * strength
    k, c, s = 1 / 3, torch.cos(angle), torch.sin(angle) / math.sqrt(3)
    a, b, d = c + (1 - c) * k, (1 - c) * k - s, (1 - c) * k + s
    turn = torch.stack([torch.stack([a, b, d], 1), torch.stack([d, a, b], 1), torch.stack([b, d, a], 1)], 1)
    rgb = torch.einsum("nij,njhw->nihw", turn, rgb)
    grey = (rgb * _GREY).sum(1, keepdim=True)
    saturation = torch.exp(torch.randn(count, 1, 1, 1) * 0.3 * strength) * (torch.rand(count, 1, 1, 1) > 0.07)
    return (grey + (rgb - grey) * saturation).clamp(0, 1)


def degrade(rgb):
    """Blur or fewer pixels, noise, compression, each on some pictures."""
    count, _, size, _ = rgb.shape
    for i in range(count):
        choice = torch.rand(()).item()
        if choice < 0.35:
            small = max(32, int(size * float(uniform(1, 0.25, 0.8))))
            one = F.interpolate(rgb[i:i + 1], (small, small), mode="bilinear", align_corners=False, antialias=True)
            rgb[i] = F.interpolate(one, (size, size), mode="bilinear", align_corners=False)[0]
        if choice > 0.75:
            buffer = io.BytesIO()
            pixels = (rgb[i].permute(1, 2, 0).clamp(0, 1) * 255).byte().numpy()
            Image.fromarray(pixels).save(buffer, "JPEG", quality=int(torch.randint(25, 92, ())))
            rgb[i] = torch.from_numpy(np.array(Image.open(buffer))).permute(2, 0, 1).float() / 255
    noisy = (torch.rand(count, 1, 1, 1) < 0.4) * uniform(count, 0, 0.05, 1, 1, 1)
    return (rgb + torch.randn_like(rgb) * noisy).clamp_(0, 1)


def augment_renders(rgb, labels, landmarks, backdrop, backgrounds, strength=1.0):
    """rgb [N, S, S, 3] uint8, labels [N, S, S] uint8, landmarks [N, 68, 2]; returns pictures [N, 3, S, S] float and labels (255: ignore)."""
    size = rgb.shape[1]
    plain = ((rgb.short() - backdrop[None, :, None].short()).abs().amax(3) <= 3) & (labels == 0)
    picture = rgb.permute(0, 3, 1, 2).float().div_(255).contiguous()
    replaced = plain & (torch.rand(len(rgb), 1, 1) < 0.92)
    picture = torch.where(replaced[:, None], backgrounds(len(rgb), size), picture)
    labels = labels.long()
    body = torch.where(plain & (torch.rand(len(rgb), 1, 1) < 0.8), torch.ones_like(labels), labels)  # clothes mostly spare the backdrop
    picture = paint_clothes(picture, body, landmarks)
    picture = paint_beard(picture, labels, landmarks, 0.25)
    picture = draw_glasses(picture, landmarks, 0.15)
    picture, labels = occlude(picture, labels, 0.2)
    picture, labels = mirror(picture, labels)
    picture, labels = warp(picture, labels, affine_grids(len(rgb), size, strength))
    return degrade(recolour(picture, strength)), labels
