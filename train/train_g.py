"""Trains the generator on a cache of renders (scene_stream.py); grows 128 -> 256 -> 512.

    python3 train/train_g.py --cache CACHE --work WORK --minutes 60 [--cache512 CACHE] [--stages 128:0.3,256:0.85,512:1]

WORK/g.pt is the checkpoint (resumed when present), WORK/g.log the losses, WORK/g_NNNNNN.png samples (render above, network below).
`--gradient 0 --pooled 0 --regions 1,1,1` is the patent's plain L1. Several processes: parallel.py.
"""
import argparse
import json
import os
import sys

import common

if __name__ == "__main__":
    common.reuse_memory()

import numpy as np
import torch
import torch.nn.functional as F

import models
import parallel
import scene_stream
from scene_stream import Cache

LIVE_SEED = 1000  # plus --seed: apart from the seeds of caches
# Weight of a pixel by its label: background, skin, hair, features.
FEATURES, HAIR = (3, 4, 5, 6, 7, 8, 9, 10), 2


class Batches:
    """Random batches of one or more caches at a given size (pictures are averaged down)."""

    def __init__(self, cache, seed, regions, device):
        self.cache, self.random, self.device = cache, np.random.default_rng(seed), device
        self.table = torch.ones(256)
        self.table[0], self.table[HAIR] = regions[0], regions[1]
        for i in FEATURES:
            self.table[i] = regions[2]
        self.table[7] = 0.5 * (1 + regions[2])

    def __call__(self, count, size):
        rows = np.sort(self.random.integers(0, max(1, self.cache.stored()), count))
        return self.take(rows, size)

    def take(self, rows, size):
        """x [N, P], picture [N, 3, size, size], weight [N, 1, size, size] with mean 1."""
        return self.prepare(self.cache.parameters[rows], self.cache.rgb[rows], self.cache.labels[rows], size)

    def prepare(self, x, rgb, labels, size):
        x = torch.from_numpy(x).to(self.device)
        rgb = torch.from_numpy(rgb).to(self.device).permute(0, 3, 1, 2).float().div_(255)
        weight = self.table.to(self.device)[torch.from_numpy(labels).to(self.device).long()][:, None]
        factor = rgb.shape[-1] // size
        if factor > 1:
            rgb, weight = F.avg_pool2d(rgb, factor), F.avg_pool2d(weight, factor)
        return x, rgb.contiguous(), weight / weight.mean()


class LiveBatches(Batches):
    """Batches of renders that the client makes meanwhile, none twice. Started anew for another size."""

    def __init__(self, cache, command, first, regions, device):
        super().__init__(cache, 0, regions, device)
        self.command, self.seen, self.live, self.size = command, first, None, 0

    def __call__(self, count, size):
        if size != self.size:
            self.close()
            # Small pictures are averaged down from larger ones: the client's own would be coarser at edges.
            self.live, self.size = scene_stream.Live(self.command, max(size, 128), self.seen), size
        self.seen += count
        return self.prepare(*self.live.take(count), size)

    def close(self):
        if self.live:
            self.live.close()


def loss_of(picture, target, weight, gradient, pooled):
    """Weighted L1, plus L1 of the differences between neighbours, plus L1 of 16x16 block means (colour of hair and skin)."""
    error = picture - target
    total = (error.abs() * weight).mean()
    if gradient:
        total = total + gradient * (((error[:, :, 1:] - error[:, :, :-1]).abs() * weight[:, :, 1:]).mean() +
                                    ((error[:, :, :, 1:] - error[:, :, :, :-1]).abs() * weight[:, :, :, 1:]).mean())
    if pooled:
        block = picture.shape[-1] // 16
        total = total + pooled * F.avg_pool2d(error, block).abs().mean()
    return total


class WindowStep:
    """Training of the full generator at a fraction of the cost: the lower layers (up to 64x64) draw whole pictures, which a 1x1
    convolution `head`, thrown away later, compares with the pictures averaged down; the layers above see one random window a batch.

    Most of a generator's error is in coarse things (pose, light, colours), and most of a step's time in the finest layers.
    """
    DEPTH, MARGIN = 5, 2  # layers below; cells at a cut edge whose pixels lack neighbours (a pixel reaches 1.75 cells)

    def __init__(self, network, cells, seed):
        self.network, self.cells, self.random = network, cells, np.random.default_rng(seed)
        self.head = models.ToRGB(network.channels[self.DEPTH - 1], network.channels[-1]).to(network.input_mean.device)
        self.side = 4 << (self.DEPTH - 1)

    def loss(self, x, target, weight, gradient, pooled, half):
        """target, weight: whole pictures of at most the generator's size."""
        with half:
            low = self.network.lower(x, self.DEPTH)
        factor = target.shape[-1] // self.side
        whole = loss_of(torch.sigmoid(self.head(low.float())), F.avg_pool2d(target, factor), F.avg_pool2d(weight, factor), gradient, pooled)
        top, left = self.random.integers(0, self.side - self.cells + 1, 2)
        with half:
            y = self.network.layers(low[:, :, top:top + self.cells, left:left + self.cells], self.DEPTH, self.network.depth - 1)
        picture = torch.sigmoid(self.network.last(y.float()))
        picture = F.avg_pool2d(picture, self.network.size // target.shape[-1])
        rows, columns = self._sound(top), self._sound(left)
        inside = picture[:, :, self._pixels(rows, top, factor), self._pixels(columns, left, factor)]
        crop = (slice(None), slice(None), self._pixels(rows, 0, factor), self._pixels(columns, 0, factor))
        return whole + loss_of(inside, target[crop], weight[crop], gradient, 0)

    def _sound(self, first):
        """First and last cell of a window whose pixels are as in the whole picture."""
        end = first + self.cells
        return (first + self.MARGIN if first > 0 else 0), (end - self.MARGIN if end < self.side else end)

    @staticmethod
    def _pixels(cells, origin, factor):
        return slice((cells[0] - origin) * factor, (cells[1] - origin) * factor)


@torch.no_grad()
def measure(network, batches, rows, size):
    """L1 over the picture and inside the face (labels other than background and hair), pixels in [0, 1]."""
    network.eval()
    full = face = face_pixels = 0.0
    for part in np.array_split(rows, max(1, len(rows) // 16)):
        x, target, _ = batches.take(part, size)
        labels = torch.from_numpy(batches.cache.labels[part]).to(x.device)
        inside = ((labels != 0) & (labels != HAIR)).float()[:, None]
        inside = (F.avg_pool2d(inside, inside.shape[-1] // size) > 0.5).float() if inside.shape[-1] != size else inside
        error = (network(x) - target).abs().mean(1, keepdim=True)
        full += float(error.mean()) * len(part)
        face += float((error * inside).sum())
        face_pixels += float(inside.sum())
    return full / len(rows), face / face_pixels


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--cache", required=True, help="renders of size 256 (or 512)")
    parser.add_argument("--client", help="the `likeness` program: train on renders that it makes meanwhile, none twice (the cache gives the inputs' spread)")
    parser.add_argument("--cache512", help="renders of size 512 for the last stage")
    parser.add_argument("--held-out", help="cache of held-out renders: measured with every sample sheet")
    parser.add_argument("--work", required=True)
    common.add_budget(parser)
    parser.add_argument("--start", help="checkpoint to start from: of the same schema and full size (more --channels are added), or with --start-scenes of an earlier one")
    parser.add_argument("--start-scenes", nargs=2, metavar=("OLD", "NEW"), help="scene.json of that checkpoint and of the cache")
    parser.add_argument("--stop-after", type=float, default=1e9, help="leave after this many minutes of this run (to be resumed)")
    parser.add_argument("--stages", default="128:0.25,256:0.8,512:1", help="SIZE:END, END a fraction of the training")
    parser.add_argument("--channels", default=",".join(map(str, models.GENERATOR_CHANNELS)))
    parser.add_argument("--batch", type=int, default=16, help="of each process")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--gradient", type=float, default=0.3)
    parser.add_argument("--pooled", type=float, default=0.5)
    parser.add_argument("--regions", default="0.5,1.3,2.5", help="weights of background, hair, features (skin 1)")
    parser.add_argument("--window", type=int, default=0, help="at 512: the layers above 64x64 see a random window of so many cells of 64 (0: everything)")
    parser.add_argument("--window-size", type=int, default=512, choices=(256, 512), help="size of the pictures that windows are compared at")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--bf16", action="store_true", help="compute in bfloat16 (all but the last layer)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--frozen-norm", type=float, default=0.8,
                        help="fraction of the training after which batch norm keeps its statistics: with those of the batch a generator "
                             "learns to draw bright blobs that scale the rest")
    parser.add_argument("--every", type=int, default=500, help="steps between checkpoints with sample sheets")
    return parser.parse_args()


def some_sum_to_one(x):
    """Whether a combination of the inputs x [N, P] is always 1, as a simplex or a choice makes it. Only then models.folded_state can fold
    centred inputs; a scene with neither is trained without centring."""
    x = x[:4096].double()
    weights = torch.linalg.lstsq(x, torch.ones(len(x), 1, dtype=x.dtype), driver="gelsd").solution
    return len(x) > x.shape[1] and float((x @ weights - 1).abs().max()) < 1e-3


def scene_inputs(path):
    """name of each entry of x -> (its position, client units from 0 to 1)."""
    with open(path) as file:
        parameters = json.load(file)["parameters"]
    inputs = {}
    for p in parameters:
        parts = p.get("options") or p.get("components") or [None]
        for part in parts:
            inputs[(p["name"], part)] = (len(inputs), p["max"] - p["min"] if part is None else 1)
    return inputs


@torch.no_grad()
def inherit(network, old, old_inputs, new_inputs):
    """Takes over the weights of another schema's generator: parameters of the same name keep their effect, new ones start with none."""
    stem = network.deconv0.weight
    stem.zero_()
    for name, (row, span) in new_inputs.items():
        if name in old_inputs:
            old_row, old_span = old_inputs[name]
            stem[row] = old["deconv0.weight"][old_row] * (old["input_scale"][old_row] / network.input_scale[row] * span / old_span)
    own = network.state_dict()
    taken = {k: v for k, v in old.items() if k in own and own[k].shape == v.shape and not k.startswith("input_") and k != "deconv0.weight"}
    network.load_state_dict(taken, strict=False)


def new_state(a, cache, start, device):
    """start: the checkpoint --start, or None."""
    channels = [int(c) for c in a.channels.split(",")]
    first = int(a.stages.split(":")[0])
    network = models.Generator(cache.info["parameters"], channels, (first // 4).bit_length())
    x = torch.from_numpy(np.array(cache.parameters[:cache.stored()]))
    if some_sum_to_one(x):
        network.input_mean.copy_(x.mean(0))
    network.input_scale.copy_(1 / x.std(0).clamp(min=0.08))
    if start and a.start_scenes:
        inherit(network, start["average"], *(scene_inputs(path) for path in a.start_scenes))
    elif start:
        if start["schema"] != cache.info["schema"] or start["depth"] != len(channels) or any(n < o for n, o in zip(channels, start["channels"])):
            raise SystemExit("--start: the checkpoint is of another schema (--start-scenes), smaller than 512, or has more channels")
        narrow = models.Generator(start["inputs"], start["channels"], start["depth"])
        narrow.load_state_dict(start["average"])
        network = narrow.widened(channels, x[:256])
    return network.to(device)


def check_sizes(a, stages, cache):
    """The largest stage needs renders of its size to learn from and to be measured on."""
    largest = max(size for size, _ in stages)
    renders = max(cache.info["size"], Cache(a.cache512).info["size"] if a.cache512 else 0)
    held = max(renders, Cache(a.held_out).info["size"] if a.held_out else 0)
    compared = min(largest, a.window_size) if a.window else largest
    if held < largest or renders < compared and not a.client:
        raise SystemExit(f"stage {largest} needs renders of that size: --cache512 (or --client and --held-out of that size), or --stages that end earlier")


def main():
    a = parse()
    ranks = parallel.Ranks(a.device)
    device = common.prepare(a.threads, a.seed, a.device)
    os.makedirs(a.work, exist_ok=True)
    checkpoint, log = os.path.join(a.work, "g.pt"), common.Log(os.path.join(a.work, "g.log"), ranks.first)
    cache = Cache(a.cache)
    stages = [(int(s), float(e)) for s, e in (part.split(":") for part in a.stages.split(","))]
    check_sizes(a, stages, cache)
    regions = [float(r) for r in a.regions.split(",")]
    state = torch.load(checkpoint, map_location=device) if os.path.exists(checkpoint) else None
    steps, images, spent = (state["steps"], state["images"], state["spent"]) if state else (0, 0, 0.0)
    if state:
        network = models.Generator(state["inputs"], state["channels"], state["depth"]).to(device)
        network.load_state_dict(state["network"])
        before = state.get("earlier", [])
    else:
        start = torch.load(a.start, map_location="cpu") if a.start else None
        network = new_state(a, cache, start, device)
        before = common.earlier(start) if start else []
    ranks.share(network)
    seed = ranks.seed(a.seed)
    batches = Batches(cache, seed + steps, regions, device)
    large = live = None
    if a.client:
        command = scene_stream.dataset_command(a.client, LIVE_SEED + seed, extra=["--threads", str(a.threads)])
        live = LiveBatches(cache, command, images, regions, device)
    held = Batches(Cache(a.held_out), 0, regions, device) if a.held_out else batches
    held_rows = np.arange(min(96, held.cache.stored()))
    asked = common.asked_to_stop()
    run, clock = common.Clock(a.stop_after), common.Clock(a.minutes, spent, a.images)

    def optimiser_for(net):
        net.to(memory_format=torch.channels_last)
        window = WindowStep(net, a.window, seed + steps) if a.window and net.size == 512 else None
        if window:
            ranks.share(window.head)
        parameters = list(net.parameters()) + (list(window.head.parameters()) if window else [])
        return torch.optim.Adam(parameters, lr=a.rate, betas=(0.9, 0.99)), common.Average(net), window

    optimiser, average, window = optimiser_for(network)
    if state:
        if window:
            window.head.load_state_dict(state["head"])
        optimiser.load_state_dict(state["optimiser"])
        average.network.load_state_dict(state["average"])
        average.steps = state["average_steps"]
    stage_steps, running = (state["stage_steps"] if state else 0), 0.0

    def save():
        common.save_checkpoint(checkpoint, {
            "steps": steps, "images": images, "spent": clock.spent(), "inputs": network.inputs, "channels": network.channels,
            "depth": network.depth, "network": network.state_dict(), "average": average.network.state_dict(),
            "average_steps": average.steps, "optimiser": optimiser.state_dict(), "stage_steps": stage_steps,
            "head": window.head.state_dict() if window else None,
            "schema": cache.info["schema"], "options": vars(a), "processes": ranks.size, "earlier": before})

    while True:
        if large is None and network.size == 512:  # opened late: it may be rendered while the smaller stages run
            large = Batches(Cache(a.cache512), seed + steps, regions, device) if a.cache512 else batches
        progress, done = ranks.agree(clock.progress(images), run.progress() >= 1 or bool(asked))
        done = done or progress >= 1
        wanted = next((s for s, e in stages if progress < e), stages[-1][0])
        if wanted > network.size and not done:
            network = network.grown(batches(64, network.size)[0]).to(device).train()
            ranks.share(network)
            optimiser, average, window = optimiser_for(network)
            stage_steps = 0
            log(grown=network.size, minutes=clock.spent() / 60)
            continue
        if (steps % a.every == 0 and steps or done) and ranks.first:
            sheet_source = large if network.size == 512 and held.cache.info["size"] < 512 else held
            size = network.size
            rows = held_rows if sheet_source is held else held_rows[:48]
            full, face = measure(average.network, sheet_source, rows, size)
            log(step=steps, size=size, l1=full, l1_face=face)
            x, target, _ = sheet_source.take(np.arange(8), size)
            with torch.no_grad():
                common.write_sheet(os.path.join(a.work, f"g_{steps:06d}.png"), [target, average.network(x)])
            save()
        if done:
            if live:
                live.close()
            break
        for group in optimiser.param_groups:
            group["lr"] = common.learning_rate(a.rate, progress, (stage_steps + 1) / 100)
        source = live or (large if network.size == 512 and not (window and a.window_size < 512) else batches)
        x, target, weight = source(a.batch, min(network.size, a.window_size) if window else network.size)
        network.train()
        if progress >= a.frozen_norm:
            for module in network.modules():
                if isinstance(module, torch.nn.BatchNorm2d):
                    module.eval()
        if window:
            loss = window.loss(x, target, weight, a.gradient, a.pooled, common.half_precision(device, a.bf16))
        else:
            with common.half_precision(device, a.bf16):
                y = network.trunk(x)
            loss = loss_of(torch.sigmoid(network.last(y.float())), target, weight, a.gradient, a.pooled)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        ranks.average(network, *([window.head] if window else []))
        optimiser.step()
        average.update(network)
        steps, stage_steps, images = steps + 1, stage_steps + 1, images + a.batch * ranks.size
        running = 0.97 * running + 0.03 * float(loss) if running else float(loss)
        if steps % 50 == 0:
            log(step=steps, images=images, minutes=clock.spent() / 60, loss=running, rate=optimiser.param_groups[0]["lr"])
    ranks.close()
    if asked and progress < 1:
        sys.exit(128 + asked[0])


if __name__ == "__main__":
    main()
