"""Trains the extractor: 11 classes on augmented renders; with --photos-aligned half of each batch are photographs with pseudo labels.

    python3 train/train_f.py --cache CACHE --work WORK --minutes 45 [--photos DIR] [--held-out CACHE] [--labelled DIR]
    python3 train/train_f.py --cache CACHE --work WORK2 --start WORK/f.pt --photos-aligned DIR --minutes 20 --stages 256:1 --rate 1e-3

WORK/f.pt is the checkpoint (resumed when present), WORK/f.log the losses and figures, WORK/f_NNNNNN.png samples. Figures on --labelled
photographs are only printed: nothing is trained or chosen by them. Several processes: parallel.py.
"""
import argparse
import os
import sys

import common

if __name__ == "__main__":
    common.reuse_memory()

import numpy as np
import torch
import torch.nn.functional as F

import augment
import evaluate_f
import models
import parallel
import pseudo_labels
from scene_stream import Cache

CLASS_WEIGHTS = torch.tensor([0.7, 1.0, 1.2, 2.0, 2.0, 2.0, 2.0, 1.0, 2.0, 2.0, 2.0])


class Renders:
    """Random augmented batches, each from one of the caches (taken by their numbers of renders)."""

    def __init__(self, caches, seed, backgrounds):
        self.caches, self.random, self.backgrounds = caches, np.random.default_rng(seed), backgrounds
        self.backdrop = torch.from_numpy(augment.backdrop_rows(caches[0].rgb[:min(200, caches[0].stored())]))

    def __call__(self, count, size):
        stored = np.array([c.stored() for c in self.caches])
        cache = self.caches[self.random.choice(len(stored), p=stored / stored.sum())]
        step = cache.info["size"] // size
        rows = np.sort(self.random.integers(0, cache.stored(), count))
        rgb, labels = (torch.from_numpy(np.ascontiguousarray(m[rows][:, ::step, ::step])) for m in (cache.rgb, cache.labels))
        landmarks = torch.from_numpy(np.array(cache.landmarks[rows])) / step
        return augment.augment_renders(rgb, labels, landmarks, self.backdrop[::step], self.backgrounds)


class Photos:
    """Aligned photographs with labels from pseudo_labels.py, mildly augmented."""

    def __init__(self, rgb, labels, seed):
        self.rgb, self.labels, self.random = rgb, labels, np.random.default_rng(seed)

    def __call__(self, count, size):
        step = self.rgb.shape[1] // size
        rows = np.sort(self.random.integers(0, len(self.rgb), count))
        picture = torch.from_numpy(self.rgb[rows][:, ::step, ::step].copy()).permute(0, 3, 1, 2).float() / 255
        labels = torch.from_numpy(self.labels[rows][:, ::step, ::step].copy()).long()
        picture, labels = augment.mirror(picture, labels)
        picture, labels = augment.warp(picture, labels, augment.affine_grids(count, size, 1.2))
        picture, labels = augment.occlude(picture, labels, 0.1)
        return augment.degrade(augment.recolour(picture, 0.7)), labels


def loss_of(logits, labels, weights):
    """Cross-entropy at the logits' resolution; which of the label pixels of a cell is asked varies, so that no shift is learnt."""
    step = labels.shape[-1] // logits.shape[-1]
    y, x = torch.randint(0, step, (2,)).tolist()
    return F.cross_entropy(logits, labels[:, y::step, x::step], weights, ignore_index=255)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--cache", required=True, nargs="+", help="renders of size 256, one or more caches of one scene (the last names the schema)")
    parser.add_argument("--held-out", help="cache of held-out renders, measured with every checkpoint")
    parser.add_argument("--labelled", help="labelled photographs, measured with every checkpoint, never trained on")
    parser.add_argument("--photos", help="portraits whose upper corners serve as backgrounds")
    parser.add_argument("--photos-aligned", help="photographs from `likeness align --landmarks`, for self-training")
    parser.add_argument("--relabel", type=int, default=400, help="steps between new pseudo labels")
    parser.add_argument("--start", help="checkpoint to start from")
    parser.add_argument("--work", required=True)
    common.add_budget(parser)
    parser.add_argument("--stop-after", type=float, default=1e9, help="leave after this many minutes of this run (to be resumed)")
    parser.add_argument("--stages", default="128:0.4,256:1", help="SIZE:END, END a fraction of the training")
    parser.add_argument("--batch", type=int, default=16, help="of each process, at 256; twice as many at 128")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--bf16", action="store_true", help="compute in bfloat16")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--every", type=int, default=300, help="steps between checkpoints")
    return parser.parse_args()


def main():
    a = parse()
    ranks = parallel.Ranks(a.device)
    device = common.prepare(a.threads, a.seed, a.device)
    os.makedirs(a.work, exist_ok=True)
    checkpoint, log = os.path.join(a.work, "f.pt"), common.Log(os.path.join(a.work, "f.log"), ranks.first)
    caches = [Cache(c) for c in a.cache]
    cache = caches[-1]
    state = torch.load(checkpoint, map_location=device) if os.path.exists(checkpoint) else None
    architecture = models.EXTRACTOR_ARCHITECTURE
    network = models.ResidualNet(architecture).to(device).to(memory_format=torch.channels_last)
    start = torch.load(a.start, map_location=device) if a.start and not state else None
    if state or start:
        network.load_state_dict(state["network"] if state else start["average"])
    before = state.get("earlier", []) if state else common.earlier(start) if start else []
    ranks.share(network)
    average = common.Average(network)
    optimiser = torch.optim.Adam(network.parameters(), lr=a.rate, betas=(0.9, 0.99))
    steps, images, spent = 0, 0, 0.0
    if state:
        steps, images, spent = state["steps"], state["images"], state["spent"]
        average.network.load_state_dict(state["average"])
        average.steps = state["average_steps"]
        optimiser.load_state_dict(state["optimiser"])
    seed = ranks.seed(a.seed)
    torch.manual_seed(seed + steps)
    renders = Renders(caches, seed + steps, augment.Backgrounds(a.photos))
    # Each process labels and draws its own share of the photographs.
    aligned = [part[ranks.rank::ranks.size] for part in pseudo_labels.load(a.photos_aligned)] if a.photos_aligned else None
    photos = None
    held = evaluate_f.renders(Cache(a.held_out), 64) if a.held_out and ranks.first else None
    labelled = None
    if a.labelled and ranks.first:
        reference = evaluate_f.reference_points(cache.landmarks[:min(500, cache.stored())] / cache.info["size"])
        labelled = evaluate_f.load_labelled(a.labelled, reference)
    stages = [(int(s), float(e)) for s, e in (part.split(":") for part in a.stages.split(","))]
    asked = common.asked_to_stop()
    run, clock = common.Clock(a.stop_after), common.Clock(a.minutes, spent, a.images)
    weights, running, stage_start, size = CLASS_WEIGHTS.to(device), 0.0, steps, 0

    picture = labels = None

    def checkpoint_now():
        figures = {}
        if held:
            figures["renders_miou"] = float(evaluate_f.iou(evaluate_f.confusion(average.network, *held)).mean())
        if labelled:
            classes = evaluate_f.iou(evaluate_f.confusion(average.network, labelled[0][::4], labelled[1][::4]))
            figures["photos_miou"] = float(classes.mean())
            figures["classes"] = " ".join(f"{v:.2f}" for v in classes)
        log(step=steps, size=size, **figures)
        show = [] if picture is None else [(picture[:8], labels[:8])]
        if held:
            show.append((held[0][:8], held[1][:8]))
        if labelled:
            show.append((labelled[0][4:68:8], labelled[1][4:68:8]))
        rows = []
        for rgb, truth in show:
            guess = evaluate_f.predict(average.network, rgb.to(device)).argmax(1).cpu()
            rows += [F.interpolate(r, (128, 128)) for r in (rgb.cpu(), common.coloured(guess), common.coloured(truth.cpu()))]
        if rows:
            common.write_sheet(os.path.join(a.work, f"f_{steps:06d}.png"), rows)
        common.save_checkpoint(checkpoint, {
            "steps": steps, "images": images, "spent": clock.spent(), "architecture": architecture, "network": network.state_dict(),
            "average": average.network.state_dict(), "average_steps": average.steps, "optimiser": optimiser.state_dict(),
            "schema": cache.info["schema"], "options": vars(a), "processes": ranks.size, "earlier": before})

    while True:
        progress, done = ranks.agree(clock.progress(images), run.progress() >= 1 or bool(asked))
        done = done or progress >= 1
        wanted = next((s for s, e in stages if progress < e), stages[-1][0])
        if wanted != size and not done:
            size, stage_start = wanted, steps
            log(step=steps, stage=size, minutes=clock.spent() / 60)
        if ((steps % a.every == 0 and images) or done) and ranks.first:
            checkpoint_now()
        if done:
            break
        if aligned and (photos is None or steps % a.relabel == 0):
            rgb, labels = pseudo_labels.label(average.network, aligned, device)
            photos = Photos(rgb, labels, seed + steps)
            if ranks.first:
                pseudo_labels.write_sheet(os.path.join(a.work, f"pseudo_{steps:06d}.png"), rgb, labels)
            log(step=steps, pseudo=len(rgb), ignored=float((labels == 255).mean()), minutes=clock.spent() / 60)
        for group in optimiser.param_groups:
            group["lr"] = common.learning_rate(a.rate, progress, (steps - stage_start + 1) / 100)
        count = a.batch * (2 if size <= 128 else 1)
        with torch.no_grad():
            picture, labels = renders(count // 2 if photos else count, size)
            if photos:
                more = photos(count - count // 2, size)
                picture, labels = torch.cat([picture, more[0]]), torch.cat([labels, more[1]])
            picture, labels = picture.to(device).contiguous(memory_format=torch.channels_last), labels.to(device)
        network.train()
        with common.half_precision(device, a.bf16):
            logits = network(picture)
        loss = loss_of(logits.float(), labels, weights)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        ranks.average(network)
        optimiser.step()
        average.update(network)
        steps, images = steps + 1, images + count * ranks.size
        running = 0.97 * running + 0.03 * float(loss) if running else float(loss)
        if steps % 50 == 0:
            log(step=steps, images=images, minutes=clock.spent() / 60, loss=running, rate=optimiser.param_groups[0]["lr"])
    ranks.close()
    if asked and progress < 1:
        sys.exit(128 + asked[0])


if __name__ == "__main__":
    main()
