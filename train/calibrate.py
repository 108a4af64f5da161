"""Sets what the companions of a model directory know of photographs beyond their regressions.

    likeness dataset -n 150 --seed 5 -o RENDERS && likeness align RENDERS -o ALIGNED --landmarks
    python3 train/calibrate.py --model DIR --renders-aligned ALIGNED
    likeness evaluate fit PORTRAITS --strangers 5 --json > FIGURES.json
    python3 train/calibrate.py --model DIR --strangers FIGURES.json

--renders-aligned: landmarks.photo_mean of the brows becomes the mean that the landmark finder has on renders. The other landmarks of
portraits are compared less their mean, because most people smile in them, which widens mouth and nose. Smiles leave the brows alone, but the
brows of random characters slope to the nose, as in anger, and those of people away from it: less their means, everybody looks angry.

--strangers: similarity.strangers [2], mean and deviation of 1 - D between portraits and other people's characters. FIGURES.json must come
from a model without that tensor; --raw takes it away before.
"""
import argparse
import json
import os

import numpy as np

import companions
import export
import safetensors_io

BROWS = slice(2 * 17, 2 * 27)


def calibrate(tensors, renders=None, strangers=None, raw=False):
    """The tensors anew. renders [N, 136]: the finder's landmarks of aligned renders."""
    tensors = {name: np.float32(value) for name, value in tensors.items()}
    if raw:
        tensors.pop("similarity.strangers", None)
    if renders is not None:
        tensors["landmarks.photo_mean"] = tensors["landmarks.photo_mean"].copy()
        tensors["landmarks.photo_mean"][BROWS] = renders.mean(0)[BROWS]
    if strangers is not None:
        tensors["similarity.strangers"] = np.float32([strangers["fit_strangers_similarity_mean"], strangers["fit_strangers_similarity_deviation"]])
    return tensors


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--renders-aligned")
    parser.add_argument("--strangers")
    parser.add_argument("--raw", action="store_true")
    a = parser.parse_args()
    path = os.path.join(a.model, "companions.safetensors")
    tensors, metadata = safetensors_io.load(path)
    renders = companions.photo_landmarks(a.renders_aligned) if a.renders_aligned else None
    strangers = None
    if a.strangers:
        with open(a.strangers) as file:
            strangers = json.load(file)
    for words, wanted in ((f"brows centred by the finder's landmarks of {len(renders) if renders is not None else 0} renders", renders is not None),
                          (f"similarity by {(strangers or {}).get('fit_photos', 0)} portraits", strangers is not None)):
        if wanted:
            metadata["recipe"] = "; ".join(filter(None, [metadata.get("recipe"), words]))
    safetensors_io.save(path, calibrate(tensors, renders, strangers, a.raw), metadata)
    export.write_manifest(a.model)


if __name__ == "__main__":
    main()
