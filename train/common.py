"""What both training scripts share: set-up of the process, checkpoints, logs, sample sheets, the learning-rate schedule."""
import json
import math
import os
import sys
import time

_MALLOC = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "100000000000", "MALLOC_TOP_PAD_": "1000000000",
           "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}


def reuse_memory():
    """Starts the process again with a malloc that keeps freed memory: PyTorch on a CPU then trains up to 1.8 times as fast.

    By default glibc returns every large buffer to the kernel and pays a page fault per 4 KiB for the next one. Call before importing
    torch; does nothing the second time or where the C library is another one.
    """
    if sys.platform == "linux" and "MALLOC_TRIM_THRESHOLD_" not in os.environ:
        os.environ.update(_MALLOC)
        os.execv(sys.executable, [sys.executable] + sys.argv)


def prepare(threads, seed, device):
    """Returns the torch.device."""
    import numpy
    import torch
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    numpy.random.seed(seed)
    if device == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.allow_tf32 = True
    return torch.device(device)


def asked_to_stop():
    """Returns a list that gets the signal's number when the process is asked to end (SIGTERM, Ctrl-C): the loop then saves and leaves
    with the status 128 + number, by which train/compact.py tells an interrupted training from a finished one."""
    import signal
    asked = []
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda number, _: asked.append(number))
    return asked


def half_precision(device, enabled):
    """bfloat16 where it is safe (convolutions, batch norm): about twice as fast on CPUs with AVX512-BF16 and on GPUs. Weights stay fp32."""
    import torch
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled)


def save_checkpoint(path, state):
    """Atomic: a crash leaves the old checkpoint or the new one."""
    import torch
    torch.save(state, path + ".tmp")
    os.replace(path + ".tmp", path)


class Log:
    """Text lines on standard output and in a file; nothing where this is not the first of several processes."""

    def __init__(self, path, first=True):
        self.file = open(path, "a", buffering=1) if first else None

    def __call__(self, **values):
        if not self.file:
            return
        parts = [f"{k} {v:.5g}" if isinstance(v, float) else f"{k} {v}" for k, v in values.items()]
        line = time.strftime("%H:%M:%S ") + "  ".join(parts)
        print(line, flush=True)
        self.file.write(line + "\n")


def learning_rate(top, progress, warm_up, final=0.01):
    """Cosine decay over progress in [0, 1] from `top` to `final * top`; warm_up in [0, 1] ramps the first steps of a stage."""
    return top * min(1.0, warm_up) * (final + (1 - final) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


class Clock:
    """Seconds of training, kept through checkpoints, against a budget in minutes or, where runs must be repeatable, in pictures."""

    def __init__(self, minutes, spent=0.0, images=None):
        self.budget, self.before, self.start, self.images = 60 * (minutes or 0), spent, time.monotonic(), images

    def spent(self):
        return self.before + time.monotonic() - self.start

    def progress(self, images=0):
        """images: how many were trained on."""
        return images / self.images if self.images else self.spent() / self.budget


def add_budget(parser):
    """--minutes or --images, for the Clock."""
    budget = parser.add_mutually_exclusive_group(required=True)
    budget.add_argument("--minutes", type=float, help="length of the training; stages and learning rate follow the time")
    budget.add_argument("--images", type=int, help="length in pictures instead: the same seed then gives the same network on the same machine")


def earlier(start):
    """What a checkpoint was trained with, itself and those that it started from: the oldest first."""
    return start.get("earlier", []) + [{k: start[k] for k in ("images", "steps", "spent", "options", "processes") if k in start}]


class Average:
    """Exponential moving average of a network's parameters and buffers; short at first, so that the start is forgotten."""

    def __init__(self, network, decay=0.998):
        import copy
        self.network, self.decay, self.steps = copy.deepcopy(network).eval(), decay, 0

    def update(self, network):
        import torch
        self.steps += 1
        decay = min(self.decay, self.steps / (self.steps + 10.0))
        with torch.no_grad():
            for a, b in zip(self.network.state_dict().values(), network.state_dict().values()):
                if a.dtype.is_floating_point:
                    a.lerp_(b, 1 - decay)
                else:
                    a.copy_(b)


def recalibrate(network, batches):
    """Batch-norm statistics of an averaged network: the plain mean over `batches` (an iterable of inputs)."""
    import torch
    norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for m in norms:
        m.reset_running_stats()
        m.momentum = None
    network.train()
    with torch.no_grad():
        for batch in batches:
            network(batch)
    for m in norms:
        m.momentum = 0.1
    network.eval()


def write_sheet(path, rows):
    """rows: list of [N, 3, H, W] tensors in [0, 1], one below the other."""
    import numpy
    import torch
    from PIL import Image
    size = rows[0].shape[-1]
    lines = []
    for row in rows:
        row = torch.nn.functional.interpolate(row.float().cpu(), (size, size), mode="nearest") if row.shape[-1] != size else row.float().cpu()
        lines.append(torch.cat(list(row), 2))
    picture = torch.cat(lines, 1).clamp(0, 1).mul(255).round().permute(1, 2, 0).numpy().astype(numpy.uint8)
    Image.fromarray(picture).save(path + ".tmp.png")
    os.replace(path + ".tmp.png", path)


PALETTE = [(30, 30, 30), (255, 205, 170), (120, 70, 20), (255, 160, 0), (255, 220, 0), (0, 160, 255), (0, 220, 255), (255, 120, 160),
           (220, 0, 60), (255, 255, 255), (150, 0, 90)]


def coloured(labels):
    """[N, H, W] class numbers -> [N, 3, H, W] colours in [0, 1]; 255 is black."""
    import torch
    table = torch.zeros(256, 3)
    table[:11] = torch.tensor(PALETTE, dtype=torch.float32) / 255
    return table[labels.long()].permute(0, 3, 1, 2)


def schema_groups(scene):
    """scene: path of scene.json. Returns (inputs, [(begin, end) of each simplex or choice]) in the order of the vector."""
    with open(scene) as file:
        parameters = json.load(file)["parameters"]
    offset, groups = 0, []
    for p in parameters:
        n = len(p["components"] if p["type"] == "simplex" else p["options"]) if p["type"] != "continuous" else 1
        if p["type"] != "continuous":
            groups.append((offset, offset + n))
        offset += n
    return offset, groups
