"""Makes a model file of any PyTorch state_dict: the same tensors as safetensors, with the architecture that `likeness` needs to run them.

    python3 train/export_state_dict.py STATE.pt -o MODEL.safetensors [--architecture JSON|FILE.json | --generator | --resnet]
                                       [--set KEY=VALUE ...] [--rename PATTERN=NAME ...] [--drop PATTERN ...] [--fold] [--half]
                                       [--card KEY=TEXT ...]

STATE.pt is what torch.save() wrote: a state_dict, or a dictionary that holds one under "state_dict" or "model". Names:
  generator   deconvI.{weight,bias}, bnI.*        extractor   torchvision's (conv1, bn1, layer1.0.conv1, ..., downsample.0), heads as in
              include/likeness/nn.hpp. Others are renamed by regular expressions, e.g. --rename 'main\\.0\\.=deconv0.'
--generator and --resnet find the architecture in names and shapes. What those do not tell is the default (sigmoid; ImageNet's mean and std, and
nothing dilated) or said by --set, e.g. --set output=tanh, --set 'replace_stride_with_dilation=[false, true, true]'. Without an architecture a torchvision ResNet still loads; other tensors are only stored. --fold puts batch norms into
the convolutions before them; --half stores fp16.
"""
import argparse
import json
import os
import pickle
import re

import numpy as np
import torch

import models
import safetensors_io

IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


def generator_architecture(state):
    shapes = []
    while f"deconv{len(shapes)}.weight" in state:
        shapes.append(state[f"deconv{len(shapes)}.weight"].shape)
    if not shapes or any(len(s) != 4 for s in shapes):
        raise SystemExit("not a generator: deconv0.weight, deconv1.weight, ... of four sizes are needed; --rename gives tensors these names")
    return {"type": "generator", "inputs": shapes[0][0], "channels": [s[1] for s in shapes], "first_kernel": shapes[0][2]}


def resnet_architecture(state):
    stem = state.get("conv1.weight")
    middle = "conv2" if "layer1.0.conv3.weight" in state else "conv1"
    layers, widths = [], []
    while f"layer{len(layers) + 1}.0.{middle}.weight" in state:
        name, count = f"layer{len(layers) + 1}", 0
        while f"{name}.{count}.{middle}.weight" in state:
            count += 1
        layers.append(count)
        widths.append(state[f"{name}.0.{middle}.weight"].shape[0])
    if stem is None or not layers:
        raise SystemExit("not a ResNet: conv1.weight, layer1.0.conv1.weight, ... are needed; --rename gives tensors these names")
    width, _, kernel, _ = stem.shape
    out = {"type": "residual", "block": "bottleneck" if middle == "conv2" else "basic", "layers": layers, "widths": widths, "input_size": 256,
           "stem": {"width": width, "kernel": kernel, "stride": 2, "max_pool": kernel == 7}, **IMAGENET}
    for kind, first, last in (("pyramid", "head.smooth.weight", "head.classifier.weight"), ("fcn", "classifier.0.weight", "classifier.4.weight")):
        if first in state and last in state:
            out["head"] = {"type": kind, "width": state[first].shape[0], "classes": state[last].shape[0]}
    return out


def renamed(state, rules, dropped):
    """rules: (pattern, replacement) applied in order to every name."""
    out = {}
    for name, tensor in state.items():
        for pattern, replacement in rules:
            name = re.sub(pattern, replacement, name)
        if any(re.search(pattern, name) for pattern in dropped) or name.endswith("num_batches_tracked"):
            continue
        if name in out:
            raise SystemExit(f"two tensors would be called {name}")
        out[name] = tensor
    return out


def stored(state, half):
    out = {}
    for name, tensor in state.items():
        if not torch.isfinite(tensor).all():
            raise SystemExit(f"{name} holds infinity or NaN")
        with np.errstate(over="ignore"):
            out[name] = tensor.detach().cpu().numpy().astype(np.float16 if half else np.float32)
        if not np.isfinite(out[name]).all():
            raise SystemExit(f"{name} holds a number that is too large for fp16: leave --half out")
    return out


def read_state(path):
    try:
        state = torch.load(path, map_location="cpu")
    except (OSError, RuntimeError, pickle.UnpicklingError) as error:
        raise SystemExit(f"{path} is not what torch.save() wrote: {error}") from error
    for key in ("state_dict", "model"):
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    if not isinstance(state, dict) or not state or not all(isinstance(v, torch.Tensor) for v in state.values()):
        raise SystemExit(f"{path} holds no state_dict")
    return state


def with_generator_biases(state):
    """The file's format wants a bias for every layer; layers trained without one have zeros."""
    zeros = {name[:-len("weight")] + "bias": torch.zeros(w.shape[1]) for name, w in state.items() if re.fullmatch(r"deconv\d+\.weight", name)}
    return {**zeros, **state}


def export(state, path, architecture=None, rename=(), drop=(), fold=False, half=False, card=None, settings=None):
    """architecture: a dictionary, "generator", "resnet" (found in the tensors) or None; settings: parts of it, which replace what was found."""
    state = renamed(state, rename, drop)
    if fold:
        state = models.fold_batch_norm(state)
    if architecture in ("generator", "resnet"):
        architecture = generator_architecture(state) if architecture == "generator" else resnet_architecture(state)
    metadata = dict(card or {})
    if architecture:
        architecture = {**architecture, **(settings or {})}
        if architecture.get("type") == "generator":
            state = with_generator_biases(state)
        metadata["architecture"] = json.dumps(architecture)
    safetensors_io.save(path, stored(state, half), metadata)
    return architecture


def json_or(text, otherwise):
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return otherwise()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    pair = lambda text: tuple(text.split("=", 1)) if "=" in text else parser.error(f"{text} is not of the form A=B")
    parser.add_argument("state")
    parser.add_argument("-o", "--output", required=True)
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--architecture", help="JSON text or file")
    kind.add_argument("--generator", action="store_true")
    kind.add_argument("--resnet", action="store_true")
    parser.add_argument("--set", action="append", type=pair, default=[], metavar="KEY=VALUE", help="a part of the architecture: JSON, or plain text")
    parser.add_argument("--rename", action="append", type=pair, default=[], metavar="PATTERN=NAME")
    parser.add_argument("--drop", action="append", default=[], metavar="PATTERN")
    parser.add_argument("--fold", action="store_true")
    parser.add_argument("--half", action="store_true")
    parser.add_argument("--card", action="append", type=pair, default=[], metavar="KEY=TEXT", help="e.g. training=..., licence=...")
    a = parser.parse_args()
    architecture = "generator" if a.generator else "resnet" if a.resnet else None
    if a.architecture:
        text = a.architecture
        if os.path.exists(text):
            with open(text) as file:
                text = file.read()
        architecture = json_or(text, lambda: parser.error("--architecture is neither JSON nor a file that holds it"))
    if a.set and not architecture:
        parser.error("--set needs --architecture, --generator or --resnet")
    settings = {key: json_or(value, lambda: value) for key, value in a.set}
    found = export(read_state(a.state), a.output, architecture, a.rename, a.drop, a.fold, a.half, dict(a.card), settings)
    print(f"{a.output}: {json.dumps(found) if found else 'tensors without an architecture'}")


if __name__ == "__main__":
    main()
