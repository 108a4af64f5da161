"""The first guess: a small network from the extractor's features of an aligned picture, its landmarks and the mean colours of its regions
to parameters in one pass. fit/encoder.cc computes the same.

Inputs, all centred in the picture's domain (photographs, renders):
  maps    [N, C, S, S]   z-scores of the extractor's last two stages, the shallower averaged over 2 x 2 places, concatenated
  points  [N, 136]       (landmark - mean of the domain) / deviation, in pixels of the 512 frame
  colours [N, 12]        (mean sRGB of skin, hair, lips, brows - mean over renders) / deviation; 0 where a region is not seen
Output: [N, P], entries of continuous parameters in [0, 1], simplex and choice groups summing to 1.
"""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

POINTS, COLOURS = 136, 12
LEAST_DEVIATION = 2.0  # pixels, added to each landmark's: no coordinate is known better
STATISTICS = ("points.photo_mean", "points.render_mean", "points.deviation", "colours.mean", "colours.deviation")


class Encoder(nn.Module):
    """Two 3x3 convolutions of stride 2 and two dense layers. statistics: name -> array, as STATISTICS lists them."""

    def __init__(self, channels, side, outputs, groups, statistics, widths=(64, 96), hidden=256, dropout=0.1):
        super().__init__()
        self.groups, self.dropout, self.widths, self.hidden = list(groups), dropout, tuple(widths), hidden
        self.conv1 = nn.Conv2d(channels, widths[0], 3, 2, 1)
        self.conv2 = nn.Conv2d(widths[0], widths[1], 3, 2, 1)
        for _ in range(2):
            side = (side + 1) // 2
        self.dense1 = nn.Linear(widths[1] * side * side + POINTS + COLOURS, hidden)
        self.dense2 = nn.Linear(hidden, outputs)
        nn.init.zeros_(self.dense2.weight)  # starts at the average of everything
        for name in STATISTICS:
            self.register_buffer(name.replace(".", "_"), torch.as_tensor(np.float32(statistics[name])))

    def points(self, landmarks, domain):
        """landmarks [N, 136] in pixels of the 512 frame; domain: "photo" or "render"."""
        return (landmarks - getattr(self, f"points_{domain}_mean")) / self.points_deviation

    def colours(self, means, seen):
        """means [N, 12] in [0, 1], seen [N, 4] bool."""
        return (means - self.colours_mean) / self.colours_deviation * seen.repeat_interleave(3, 1)

    def logits(self, maps, points, colours):
        y = F.relu(self.conv2(F.relu(self.conv1(maps))))
        y = torch.cat([F.dropout(y.flatten(1), self.dropout, self.training), points, colours], 1)
        return self.dense2(F.dropout(F.relu(self.dense1(y)), self.dropout, self.training))

    def forward(self, maps, points, colours):
        return squash(self.logits(maps, points, colours), self.groups)

    def architecture(self, schema):
        return {"type": "encoder", "widths": list(self.widths), "hidden": self.hidden, "outputs": self.dense2.out_features, "schema": schema}

    def tensors(self):
        """name -> array as the file holds them: weights in fp16, statistics in fp32."""
        state = {k: v.detach().cpu().numpy() for k, v in self.state_dict().items()}
        weights = {k: v.astype(np.float16) for k, v in state.items() if k.endswith((".weight", ".bias"))}
        return {**weights, **{name: state[name.replace(".", "_")] for name in STATISTICS}}


def squash(logits, groups):
    """Sigmoid, and softmax within each group (begin, end)."""
    parts, done = [], 0
    for begin, end in groups:
        parts += [torch.sigmoid(logits[:, done:begin]), torch.softmax(logits[:, begin:end], 1)]
        done = end
    return torch.cat(parts + [torch.sigmoid(logits[:, done:])], 1)


def stacked(shallow, deep):
    """The maps before centring: [N, A, 2S, 2S] and [N, B, S, S] -> [N, A + B, S, S]."""
    return torch.cat([F.avg_pool2d(shallow, 2), deep], 1)


def centring(mean_shallow, std_shallow, mean_deep, std_deep):
    """Mean [C, S, S] and deviation [C, 1, 1] of stacked maps from a domain's feature statistics."""
    mean = stacked(torch.as_tensor(mean_shallow)[None], torch.as_tensor(mean_deep)[None])[0]
    return mean.float(), torch.cat([torch.as_tensor(std_shallow), torch.as_tensor(std_deep)]).float()[:, None, None]
