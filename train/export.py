"""Writes the shipped model files from checkpoints: batch norm folded, fp16, with what was trained, how, and how good it is.

    python3 train/export.py --model weights/models/makehuman-head --g WORK/g.pt --f WORK/f.pt --cache CACHE --held-out CACHE
                            [--held-out512 CACHE] [--labelled DIR] [--statistics statistics.safetensors] [--portraits TEXT] [--note TEXT]

Batch-norm statistics of the averaged generator are computed afresh from --cache. Figures are measured on the tensors as stored (fp16).
"""
import argparse
import hashlib
import json
import os

import common

if __name__ == "__main__":
    common.reuse_memory()

import numpy as np
import torch

import evaluate_f
import models
import safetensors_io
import train_g
from scene_stream import Cache

LICENCE = "Weights: CC0-1.0. Code: Apache-2.0."


def halved(state):
    return {k: v.detach().cpu().numpy().astype(np.float16) for k, v in state.items()}


def load_folded(network, tensors):
    """Puts folded tensors back into a network whose batch norms are made the identity: measures exactly what is stored."""
    state = network.state_dict()
    for name in [k[:-len(".running_mean")] for k in state if k.endswith(".running_mean")]:
        state[f"{name}.running_mean"].zero_()
        state[f"{name}.running_var"].fill_(1 - models.BN_EPS)
        state[f"{name}.weight"].fill_(1)
        state[f"{name}.bias"].zero_()
        conv = models.folded_name(name, state)
        if f"{conv}.bias" in state:
            continue
        state[f"{name}.bias"].copy_(torch.from_numpy(tensors[f"{conv}.bias"].astype(np.float32)))
    for name, value in tensors.items():
        if name in state:
            state[name].copy_(torch.from_numpy(value.astype(np.float32)))
    network.load_state_dict(state)
    return network.eval()


def one_training(t):
    """A sentence about one entry of common.earlier(), or about a checkpoint; no paths."""
    o = t["options"]
    processes = f"{t['processes']} processes of " if t.get("processes", 1) > 1 else ""
    return (f"{t['images']} images in {t['steps']} steps of Adam (top rate {o['rate']}, cosine), stages {o['stages']}, {t['spent'] / 60:.0f} minutes on {o['device']} "
            f"with {processes}{o['threads']} thread(s), seed {o['seed']}, averaged weights")


def card(state, kind, portraits, figures, note):
    """What a model file says about itself: data, recipe, hours (of all trainings that led to it), figures, licence, note."""
    o, before = state["options"], state.get("earlier", [])
    if kind == "g":
        data = "renders of random characters (human draw), " + ("made meanwhile, none twice" if o.get("client") else "from a cache")
        window = f"; at 512 windows of {o['window']} of 64 cells for the upper layers, compared at {o['window_size']}" if o.get("window") else ""
        recipe = f"L1 with region weights {o['regions']}, gradient {o['gradient']}, pooled {o['pooled']}{window}"
    else:
        data = "renders of random characters (human draw)"
        data += f", half of the last training's pictures {portraits} with pseudo labels (own network and 68 landmarks)" if o.get("photos_aligned") else ""
        data += f"; backgrounds from {portraits}" if o.get("photos") else ""
        recipe = "strong augmentation, cross-entropy over 11 classes"
    recipe = "; ".join([recipe] + [f"first {one_training(t)}" for t in before] + [("then " if before else "") + one_training(state)])
    if "blended" in state:
        recipe += f"; then {state['blended']:g} of these weights and {1 - state['blended']:g} of those before the last training"
    hours = sum(t["spent"] for t in [*before, state]) / 3600
    return {"schema": state["schema"], "data": data, "recipe": recipe, "hours": f"{hours:.2f}", "figures": json.dumps(figures), "licence": LICENCE, "note": note}


def export_generator(a, groups):
    state = torch.load(a.g, map_location="cpu")
    network = models.Generator(state["inputs"], state["channels"], state["depth"])
    network.load_state_dict(state["average"])
    cache = Cache(a.cache)
    rows = np.linspace(0, cache.stored() - 1, 512).astype(int)
    batches = torch.from_numpy(np.array(cache.parameters[rows])).split(16)
    if state["options"].get("frozen_norm", 1) >= 1:  # else the last steps were trained with the statistics that the network has
        common.recalibrate(network, batches)
    while network.depth < len(network.channels):  # an early export: the missing layers enlarge bilinearly
        network = network.grown(torch.cat(batches[:4])).eval()
    tensors = halved(models.fold_batch_norm(network.folded_state(groups)))
    stored = models.Generator(state["inputs"], state["channels"])
    load_folded(stored, tensors)
    held = Cache(a.held_out512 or a.held_out)
    size = held.info["size"]
    full, face = 0.0, 0.0
    # The network's 512 pixels are compared at the size of the held-out renders (averaged down where that is smaller).
    shrunk = stored if size == 512 else torch.nn.Sequential(stored, torch.nn.AvgPool2d(512 // size))
    full, face = train_g.measure(shrunk, train_g.Batches(held, 0, (1, 1, 1), torch.device("cpu")), np.arange(min(a.count, held.stored())), size)
    figures = {"held_out": min(a.count, held.stored()), "size": size, "g_l1": round(full, 5), "g_l1_face": round(face, 5)}
    metadata = {"architecture": json.dumps(stored.architecture(state["schema"])), **card(state, "g", a.portraits, figures, a.note)}
    safetensors_io.save(os.path.join(a.model, "generator.safetensors"), tensors, metadata)
    print("generator", figures)


def export_extractor(a):
    state = torch.load(a.f, map_location="cpu")
    network = evaluate_f.open_network(a.f)
    tensors = halved(models.fold_batch_norm(network.state_dict()))
    stored = models.ResidualNet(state["architecture"])
    load_folded(stored, tensors)
    cache = Cache(a.held_out)
    renders = evaluate_f.iou(evaluate_f.confusion(stored, *evaluate_f.renders(cache, a.count)))
    figures = {"held_out": min(a.count, cache.stored()), "renders_miou": round(float(renders.mean()), 4), "renders_iou": [round(float(v), 3) for v in renders]}
    if a.labelled:
        reference = evaluate_f.reference_points(cache.landmarks[:cache.stored()] / cache.info["size"])
        photos = evaluate_f.iou(evaluate_f.confusion(stored, *evaluate_f.load_labelled(a.labelled, reference)))
        figures.update(photos_miou=round(float(photos.mean()), 4), photos_iou=[round(float(v), 3) for v in photos])
    metadata = {"architecture": json.dumps(state["architecture"]), **card(state, "f", a.portraits, figures, a.note)}
    if a.statistics:
        values, about = safetensors_io.load(a.statistics)
        if about["checkpoint"] != digest(a.f):
            raise SystemExit(f"{a.statistics} was computed from another checkpoint than {a.f}: run feature_statistics.py again")
        tensors.update({k: v.astype(np.float16) for k, v in values.items()})
        metadata["statistics"] = about["statistics"]
    safetensors_io.save(os.path.join(a.model, "extractor.safetensors"), tensors, metadata)
    print("extractor", figures)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def write_manifest(directory):
    """manifest.json: {"format", "version", "files": {name: {"sha256", "size"}}} of the model's committed files."""
    files = {}
    for name in ("scene.json", "generator.safetensors", "extractor.safetensors", "companions.safetensors", "encoder.safetensors", "landmarks68.dat",
                 "landmarks68-small.dat"):
        path = os.path.join(directory, name)
        if os.path.exists(path):
            files[name] = {"sha256": digest(path), "size": os.path.getsize(path)}
    text = json.dumps({"format": "likeness-manifest", "version": 1, "files": files}, indent=1) + "\n"
    path = os.path.join(directory, "manifest.json")
    with open(path + ".tmp", "w") as file:
        file.write(text)
    os.replace(path + ".tmp", path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--model", required=True, help="model directory with scene.json")
    parser.add_argument("--g", help="checkpoint of train_g.py")
    parser.add_argument("--f", help="checkpoint of train_f.py")
    parser.add_argument("--cache", help="training renders (for the generator's batch-norm statistics)")
    parser.add_argument("--held-out", help="needed with --g and --f; without them only manifest.json is written")
    parser.add_argument("--held-out512")
    parser.add_argument("--labelled")
    parser.add_argument("--statistics", help="output of feature_statistics.py for the same --f")
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--portraits", default="portraits", help="what the photographs were, for the metadata: \"754 public-domain official portraits\"")
    parser.add_argument("--note", default="")
    parser.add_argument("--threads", type=int, default=1)
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    if (a.g or a.f) and not a.held_out:
        parser.error("--g and --f need --held-out")
    inputs, groups = common.schema_groups(os.path.join(a.model, "scene.json"))
    if a.g:
        if Cache(a.held_out).info["parameters"] != inputs:
            raise SystemExit("scene.json and the renders have different parameters")
        export_generator(a, groups)
    if a.f:
        export_extractor(a)
    write_manifest(a.model)


if __name__ == "__main__":
    main()
