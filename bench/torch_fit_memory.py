"""Peak memory of the published fit step in PyTorch on the CPU: what bench/fit_memory.cc measures of likeness.

    python3 bench/torch_fit_memory.py [compact|paper]

Evaluation mode, gradients for the sliders alone, batch norm folded into the convolutions (as likeness does), F.conv_transpose2d.
The peak is that of the resident set over three steps, beside what is resident once networks and targets are there (Linux).
"""
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


def status(field):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(field + ":"))


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


def without_batch_norm(network):
    """Convolutions with bias instead: random weights, so nothing has to be folded."""
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, torch.nn.BatchNorm2d):
                setattr(parent, name, torch.nn.Identity())
            elif isinstance(child, torch.nn.Conv2d) and child.bias is None:
                child.bias = torch.nn.Parameter(torch.zeros(child.out_channels))
    return network


def main(kind):
    torch.manual_seed(1)
    inputs, channels, architecture = ARCHITECTURES[kind]
    start = status("VmRSS")
    generator, extractor = Generator(inputs, channels), without_batch_norm(models.ResidualNet(architecture))
    for network in (generator, extractor):
        network.eval().requires_grad_(False)
    look = lambda x: extractor.features(F.interpolate(generator(x), (256, 256), mode="bilinear", align_corners=False))
    with torch.no_grad():
        targets = [t.clone() for t in look(torch.full((1, inputs), 0.3))]
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    weights = status("VmRSS")
    x = torch.full((1, inputs), 0.5, requires_grad=True)
    optimizer = torch.optim.SGD([x], 0.05, momentum=0.9)
    for _ in range(3):
        optimizer.zero_grad()
        sum(0.25 * F.l1_loss(a, b) for a, b in zip(look(x), targets)).backward()
        optimizer.step()
        x.data.clamp_(0, 1)
    megabytes = lambda value: f"{value / 1e6:10.1f} MB"
    size = sum(p.numel() * 4 for network in (generator, extractor) for p in network.parameters())
    peak, seen = status("VmHWM"), sum(t.numel() * 4 for t in targets)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    print(f"{'weights':44} {megabytes(size)}")
    print(f"{'targets (features of the photo)':44} {megabytes(seen)}")
    print(f"{'peak growth over 3 steps':44} {megabytes(peak - weights)}")
    print(f"{'peak of the process without weights, targets':44} {megabytes(peak - start - size - seen)}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "paper")
