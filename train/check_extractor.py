"""Compares a ResNet's file in likeness with PyTorch: features of every stage, and a gradient to the picture.

    python3 train/check_extractor.py build/release/bench/extract_features FILE.safetensors [--size 256]

FILE: torchvision's names, batch norm folded or not, with or without our metadata. PyTorch computes in double precision with the stored numbers; the
network is built here (models.py), torchvision is not needed. Prints max |difference| / max |value| of each, and fails above 1e-4.
"""
import argparse
import json
import os
import subprocess
import tempfile

import numpy as np
import torch

import export
import export_state_dict
import models
import safetensors_io


def torch_results(tensors, metadata, picture):
    state = {name: torch.from_numpy(value.astype(np.float32)) for name, value in tensors.items()}
    architecture = json.loads(metadata["architecture"]) if "architecture" in metadata else export_state_dict.resnet_architecture(state)
    network = models.ResidualNet(architecture)
    if "bn1.weight" in state:
        network.load_state_dict({name: value for name, value in state.items() if name in network.state_dict()})
    else:
        export.load_folded(network, tensors)
    network = network.double().eval()
    picture = torch.from_numpy(picture).double().requires_grad_()
    features = network.features(picture)
    (gradient,) = torch.autograd.grad(sum(f.abs().mean() for f in features), picture)
    return {**{f"layer{i + 1}": f.detach().numpy() for i, f in enumerate(features)}, "gradient": gradient.numpy()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("program")
    parser.add_argument("file")
    parser.add_argument("--size", type=int, default=256)
    a = parser.parse_args()
    coarse = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(4))
    picture = torch.nn.functional.interpolate(coarse, (a.size, a.size), mode="bicubic", align_corners=False).clamp(0, 1).numpy()
    with tempfile.TemporaryDirectory() as folder:
        given, found = os.path.join(folder, "picture.safetensors"), os.path.join(folder, "found.safetensors")
        safetensors_io.save(given, {"picture": picture})
        subprocess.run([a.program, a.file, given, found], check=True)
        ours, _ = safetensors_io.load(found)
    expected = torch_results(*safetensors_io.load(a.file), picture)
    if set(ours) != set(expected):
        raise SystemExit(f"likeness gives {sorted(ours)}, PyTorch {sorted(expected)}")
    worst = 0.0
    for name, value in expected.items():
        error = float(np.abs(ours[name] - value).max() / np.abs(value).max())
        cosine = float((ours[name] * value).sum() / np.sqrt((ours[name].astype(np.float64) ** 2).sum() * (value ** 2).sum()))
        print(f"{name:9} {str(list(value.shape)):20} max error {error:.2e}, 1 - cosine {1 - cosine:.1e}")
        worst = max(worst, error if name != "gradient" else 1 - cosine)  # of the gradient, single ReLUs that switch count little
    if worst > 1e-4:
        raise SystemExit("they differ")


if __name__ == "__main__":
    main()
