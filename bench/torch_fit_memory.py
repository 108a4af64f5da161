"""Peak memory of the published fit step in PyTorch on the CPU: what bench/fit_memory.cc measures of likeness.

    python3 bench/torch_fit_memory.py [compact|paper]

Evaluation mode, gradients for the sliders alone, batch norm folded into the convolutions (as likeness does), F.conv_transpose2d.
The peak is that of the resident set over three steps, beside what is resident once networks and targets are there (Linux).
"""
import sys

import torch

from torch_fit_nets import FitStep, make_nets


def status(field):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(field + ":"))


def main(kind):
    start = status("VmRSS")
    generator, extractor = make_nets(kind)
    step = FitStep(kind, generator, extractor)
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    weights = status("VmRSS")
    for _ in range(3):
        step.run()
    megabytes = lambda value: f"{value / 1e6:10.1f} MB"
    size = sum(p.numel() * 4 for network in (generator, extractor) for p in network.parameters())
    peak, seen = status("VmHWM"), sum(t.numel() * 4 for t in step.targets)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    print(f"{'weights':44} {megabytes(size)}")
    print(f"{'targets (features of the photo)':44} {megabytes(seen)}")
    print(f"{'peak growth over 3 steps':44} {megabytes(peak - weights)}")
    print(f"{'peak of the process without weights, targets':44} {megabytes(peak - start - size - seen)}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "paper")
