"""The fit step's networks in PyTorch, as bench/fit_nets.hpp makes them: batch norm folded, random weights, evaluation mode."""
import os
import sys

import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "train"))
import models

ARCHITECTURES = {
    "compact": (142, models.GENERATOR_CHANNELS, {**models.EXTRACTOR_ARCHITECTURE, "head": None}),
    "paper": (310, [512, 512, 512, 256, 128, 64, 64, 3], {
        "block": "bottleneck", "layers": [3, 4, 6, 3], "widths": [64, 128, 256, 512], "input_size": 256,
        "stem": {"width": 64, "kernel": 7, "stride": 2, "max_pool": True}, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}),
}


class Generator(torch.nn.Module):
    """Transposed convolutions with folded batch norm."""

    def __init__(self, inputs, channels):
        super().__init__()
        widths = [inputs] + channels
        self.layers = torch.nn.ModuleList(
            torch.nn.ConvTranspose2d(a, b, 4, 2 if i else 1, 1 if i else 0) for i, (a, b) in enumerate(zip(widths, widths[1:])))

    def forward(self, x):
        y = x[:, :, None, None]
        for i, layer in enumerate(self.layers):
            y = layer(F.relu(y, inplace=True) if i else y)
        return torch.sigmoid(y)


class SubpixelConv(torch.nn.Module):
    """models.UpConv with weights that no longer change: its taps are made once, not in every step."""

    def __init__(self, transposed):
        super().__init__()
        c, o = transposed.weight.shape[:2]
        # Kernel row 3 - 2u - a serves phase a at tap u.
        taps = transposed.weight.detach().flip(2, 3).view(c, o, 2, 2, 2, 2).permute(3, 5, 1, 0, 2, 4).reshape(4 * o, c, 2, 2)
        self.weight = torch.nn.Parameter(taps.contiguous())
        self.bias = torch.nn.Parameter(transposed.bias.detach().repeat(4))

    def forward(self, x):
        return models._Interleave.apply(F.conv2d(x, self.weight, self.bias, padding=1))


def subpixel(generator):
    """The same generator, every transposed 4x4 convolution with stride 2 now a 2x2 convolution and a pixel shuffle."""
    for i in range(1, len(generator.layers)):
        generator.layers[i] = SubpixelConv(generator.layers[i])
    return generator


def without_batch_norm(network):
    """Convolutions with bias instead: random weights, so nothing has to be folded."""
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, torch.nn.BatchNorm2d):
                setattr(parent, name, torch.nn.Identity())
            elif isinstance(child, torch.nn.Conv2d) and child.bias is None:
                child.bias = torch.nn.Parameter(torch.zeros(child.out_channels))
    return network


def make_nets(kind):
    """Generator and extractor, frozen."""
    torch.manual_seed(1)
    inputs, channels, architecture = ARCHITECTURES[kind]
    nets = Generator(inputs, channels), without_batch_norm(models.ResidualNet(architecture))
    for network in nets:
        network.eval().requires_grad_(False)
    return nets


class FitStep:
    """Starts at x = 0.5; the targets are the features of x = 0.3 everywhere."""

    def __init__(self, kind, generator, extractor):
        self.inputs = ARCHITECTURES[kind][0]
        self.generator, self.extractor = generator, extractor
        with torch.no_grad():
            self.targets = [t.clone() for t in self.look(torch.full((1, self.inputs), 0.3))]
        self.x = torch.full((1, self.inputs), 0.5, requires_grad=True)
        self.optimizer = torch.optim.SGD([self.x], 0.05, momentum=0.9)

    def look(self, x):
        size = self.extractor.architecture["input_size"]
        return self.extractor.features(F.interpolate(self.generator(x), (size, size), mode="bilinear", align_corners=False))

    def run(self):
        """Returns the loss before the step."""
        self.optimizer.zero_grad()
        loss = sum(0.25 * F.l1_loss(a, b) for a, b in zip(self.look(self.x), self.targets))
        loss.backward()
        self.optimizer.step()
        self.x.data.clamp_(0, 1)
        return loss.item()
