"""Compares a ResNet's file in likeness with PyTorch: features of every stage, and a gradient to the picture.

    python3 train/check_extractor.py build/release/bench/extract_features FILE.safetensors [--size 256]

FILE: torchvision's names, batch norm folded or not, with or without our metadata. PyTorch computes in double precision with the stored numbers; the
network is built here (models.py), torchvision is not needed. Prints max |difference| / max |value| of each, and fails where that of a feature is
above 1e-4 in one of three pictures, or that of the gradient in all: a number so close to zero that rounding switches a ReLU, or two equal to
rounding in a pooling window, change a patch of one picture's gradient, an error of the network every picture's.
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

PICTURES = 3


def torch_results(tensors, metadata, picture):
    """picture: [1, 3, H, W]; returns the features of every stage and the gradient of the sum of their means."""
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


def our_results(program, file, picture):
    with tempfile.TemporaryDirectory() as folder:
        given, found = os.path.join(folder, "picture.safetensors"), os.path.join(folder, "found.safetensors")
        safetensors_io.save(given, {"picture": picture})
        subprocess.run([program, file, given, found], check=True)
        return safetensors_io.load(found)[0]


def compare(ours, expected):
    """Prints and returns max |difference| / max |value| of each."""
    if set(ours) != set(expected):
        raise SystemExit(f"likeness gives {sorted(ours)}, PyTorch {sorted(expected)}")
    errors = {name: float(np.abs(ours[name] - value).max() / np.abs(value).max()) for name, value in expected.items()}
    for name, value in expected.items():
        print(f"{name:9} {str(list(value.shape)):20} max error {errors[name]:.2e}")
    return errors


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("program")
    parser.add_argument("file")
    parser.add_argument("--size", type=int, default=256)
    a = parser.parse_args()
    features, gradients = [], []
    for seed in range(4, 4 + PICTURES):
        coarse = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(seed))
        picture = torch.nn.functional.interpolate(coarse, (a.size, a.size), mode="bicubic", align_corners=False).clamp(0, 1).numpy()
        errors = compare(our_results(a.program, a.file, picture), torch_results(*safetensors_io.load(a.file), picture))
        gradients.append(errors.pop("gradient"))
        features += errors.values()
    if not np.max(features + [min(gradients)]) <= 1e-4:  # also where one is not a number
        raise SystemExit("they differ")


if __name__ == "__main__":
    main()
