"""The first guess: a regression from the extractor's features of an aligned picture, its landmarks and the mean colours of its regions to
parameters, in closed form. fit/encoder.cc computes the same.

Inputs, all centred in the picture's domain (photographs, renders):
  maps [N, C, 4, 4]   the extractor's last two stages averaged over a grid of 4 x 4 cells, as z-scores
  points [N, 136]     (landmark - mean of the domain) / deviation, in pixels of the 512 frame
  colours [N, 12]     (mean sRGB of skin, hair, lips, brows - mean over renders) / deviation; 0 where a region is not seen
and all products of two colours. x = bias + weight z, clamped to [0, 1]; simplex and choice groups are projected onto their simplex.
"""
import numpy as np
import torch
import torch.nn.functional as F

CELLS, POINTS, COLOURS = 4, 136, 12
LEAST_DEVIATION = 2.0  # pixels, added to each landmark's: no coordinate is known better
SHARES = {"maps": 8.0, "points": 2.0, "colours": 1.0, "products": 1.0}  # of the variance that the prior allows the inputs of each kind


def pooled(features):
    """The last two stages [N, C, S, S] -> [N, sum of C, 4, 4]."""
    return torch.cat([F.adaptive_avg_pool2d(f, CELLS) for f in features[-2:]], 1)


def columns(maps, points, colours):
    """z: the inputs side by side, float64 [N, inputs]."""
    rows, others = np.triu_indices(COLOURS)
    return np.concatenate([maps.reshape(len(maps), -1), points, colours, colours[:, rows] * colours[:, others]], 1).astype(np.float64)


def prior_scale(inputs):
    """What each column is multiplied by before weights are held to 0 alike: kinds of many columns must not win by their number."""
    counts = {"maps": inputs - POINTS - COLOURS - COLOURS * (COLOURS + 1) // 2, "points": POINTS, "colours": COLOURS,
              "products": COLOURS * (COLOURS + 1) // 2}
    return np.concatenate([np.full(n, np.sqrt(SHARES[kind] / n)) for kind, n in counts.items()])


class Ridge:
    """weight = argmin sum_n c_n |y_n - weight z_n - bias|^2 + strength |weight / scale|^2, for several strengths from one pass."""

    def __init__(self, z, y, counts=None):
        """counts [N]: how many rows each row stands for; nothing: one."""
        counts = np.ones(len(z)) if counts is None else counts
        self.mean, self.bias = np.average(z, 0, counts), np.average(y, 0, counts)
        deviation = np.sqrt(np.average(np.square(z - self.mean), 0, counts))
        self.scale = prior_scale(z.shape[1]) / deviation.clip(1e-3)
        root = np.sqrt(counts)[:, None]
        z = torch.from_numpy((z - self.mean) * self.scale * root)
        self.square, self.product = z.t() @ z, z.t() @ torch.from_numpy((y - self.bias) * root)

    def solve(self, strength):
        """weight [P, inputs], bias [P]."""
        factor = torch.linalg.cholesky(self.square + strength * torch.eye(len(self.square), dtype=torch.float64))
        weight = torch.cholesky_solve(self.product, factor).numpy().T * self.scale
        return weight, self.bias - weight @ self.mean


def vector(values, groups):
    """Clamps, and projects each group (begin, end) onto its simplex (Held et al., 1974)."""
    x = values.copy()
    for begin, end in groups:
        v = np.sort(x[:, begin:end], 1)[:, ::-1]
        excess = (v.cumsum(1) - 1) / np.arange(1, end - begin + 1)
        last = (v > excess).sum(1) - 1
        x[:, begin:end] -= excess[np.arange(len(x)), last][:, None]
    return x.clip(0, 1)
