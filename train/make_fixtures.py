"""Writes the golden files of the C++ tests: what PyTorch computes.

    python3 train/make_fixtures.py tests/fixtures

  operations.safetensors    every operation's values and gradients, F64 (fixture_operations.py); optimisers' paths
  parity.safetensors        a generator and two extractors, values and the whole gradient (fixture_networks.py)
  encoder.safetensors       a first guess: weights, statistics, inputs, values (fixture_networks.py)
  torchvision.safetensors   state_dicts in torchvision's names and their features (fixture_networks.py)
"""
import json
import os
import sys

import numpy
import torch

import fixture_networks
import fixture_operations
import safetensors_io


def main(folder):
    torch.set_num_threads(1)  # the same sums in the same order, hence the same bytes, on every run
    made = {"command": "python3 train/make_fixtures.py tests/fixtures", "versions": f"torch {torch.__version__}, numpy {numpy.__version__}"}
    tensors, cases = fixture_operations.operations()
    paths, runs = fixture_operations.optimizers()
    save = lambda name, arrays, metadata: safetensors_io.save(os.path.join(folder, name), arrays, {**metadata, **made})
    save("operations.safetensors", {**tensors, **paths}, {"cases": json.dumps(cases, separators=(",", ":")), "optimizers": json.dumps(runs)})
    save("parity.safetensors", *fixture_networks.parity())
    save("encoder.safetensors", *fixture_networks.guess())
    save("torchvision.safetensors", *fixture_networks.torchvision())


if __name__ == "__main__":
    main(sys.argv[1])
