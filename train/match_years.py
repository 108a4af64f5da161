"""Moves the age that the first guess of a model finds in portraits to that of the people in them, in closed form.

    python3 train/match_years.py --model DIR --photos-aligned DIR [--years 55 11]

The guess compares a photograph with the mean photograph, and a render with the mean render (encoder.py), so that it takes the portraits'
people together to be as old as the human draw's, whose adults are rather young. How old the people of the portraits are on the whole is
known: members of a parliament are 55, with a deviation of 11 years. Guesses are stretched and moved so that the portraits' have that mean
and deviation; who looks older than whom stays. Renders' guesses, which were right, move as far: only recoveries from renders start from them
(`likeness evaluate recovery`). Rewrites encoder.safetensors and manifest.json, whose figures stay those of the guess before; running it again
changes rounding only.
"""
import argparse
import json
import os

import common

if __name__ == "__main__":
    common.reuse_memory()

import numpy as np
import torch
from PIL import Image

import encoder
import export
import extend_model
import safetensors_io
import train_encoder

LEAST_PORTRAITS = 30
YOUNG, YOUNG_YEARS, OLD_YEARS = 0.5, 25, 90  # MakeHuman's age: 0.5 is 25 years, 1 is 90


def age_entry(scene):
    """Where age lies in x, and the parameter."""
    for p in scene["parameters"]:
        if p["name"] == "age" and "macrodetails/Age" in json.dumps(p.get("mhm", "")):
            return list(extend_model.entries(scene)).index(("age", None)), p
    raise SystemExit("scene.json has no age of MakeHuman's: only the human head's can be matched")


def unit_of(parameter, years):
    """x of adults of that age: the slider's default stands in the middle."""
    value = YOUNG + (np.asarray(years, float) - YOUNG_YEARS) / (OLD_YEARS - YOUNG_YEARS) * (1 - YOUNG)
    return 0.5 + (value - parameter["default"]) / (parameter["max"] - parameter["default"]) / 2


def stretched(tensors, entry, guesses, mean, deviation):
    """The encoder whose guesses [N] of one entry have that mean and deviation."""
    if len(guesses) < LEAST_PORTRAITS or not guesses.std() > 0 or not deviation > 0:
        raise SystemExit(f"needs {LEAST_PORTRAITS} portraits of different people and a deviation above 0 (there are {len(guesses)} portraits)")
    out = {name: np.array(t, np.float64 if name in ("weight", "bias") else t.dtype) for name, t in tensors.items()}
    slope = deviation / guesses.std()
    out["weight"][entry] *= slope
    out["bias"][entry] = mean + slope * (out["bias"][entry] - guesses.mean())
    return {name: t.astype(tensors[name].dtype) for name, t in out.items()}


@torch.no_grad()
def columns(extractor, tensors, directory, batch=10):
    """The encoder's inputs of the aligned portraits (STEM.png beside STEM.json with its landmarks). Colours are those of the likeliest class of each
    place; a fit weighs places by how likely they are."""
    mean, deviation = extractor.centring("photo")
    names = sorted(n[:-5] for n in os.listdir(directory) if n.endswith(".json") and os.path.exists(os.path.join(directory, n[:-5] + ".png")))
    if len(names) < LEAST_PORTRAITS:
        raise SystemExit(f"{directory} holds {len(names)} aligned portraits with landmarks; {LEAST_PORTRAITS} are needed")
    rows = []
    for part in np.array_split(names, max(1, len(names) // batch)):
        rgb, points = [], []
        for name in part:
            rgb.append(np.asarray(Image.open(os.path.join(directory, name + ".png")).convert("RGB").reduce(2)))
            with open(os.path.join(directory, name + ".json")) as file:
                points.append(np.float64(json.load(file)["frame"]).ravel())
        rgb = np.stack(rgb)
        features = extractor.network.features(torch.from_numpy(rgb).permute(0, 3, 1, 2).float().div(255).contiguous(memory_format=torch.channels_last))
        labels = extractor.network.head(features).argmax(1).numpy().astype(np.uint8)
        # region_colours() takes every second pixel.
        colours = train_encoder.region_colours(rgb, labels.repeat(2, 1).repeat(2, 2))
        means = (colours[:, :12] - tensors["colours.mean"]) / tensors["colours.deviation"] * colours[:, 12:].repeat(3, 1)
        maps = (encoder.pooled(features).numpy() - mean) / deviation
        rows.append(encoder.columns(maps, (np.stack(points) - tensors["points.photo_mean"]) / tensors["points.deviation"], means))
    return np.concatenate(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--model", required=True, help="model directory")
    parser.add_argument("--photos-aligned", required=True, help="what `likeness align --landmarks` wrote for the portraits")
    parser.add_argument("--years", type=float, nargs=2, default=(55, 11), help="mean and deviation of the portraits' people")
    parser.add_argument("--threads", type=int, default=1)
    a = parser.parse_args()
    common.prepare(a.threads, 0, "cpu")
    with open(os.path.join(a.model, "scene.json")) as file:
        entry, parameter = age_entry(json.load(file))
    path = os.path.join(a.model, "encoder.safetensors")
    tensors, metadata = safetensors_io.load(path)
    z = columns(train_encoder.Extractor(os.path.join(a.model, "extractor.safetensors")), tensors, a.photos_aligned)
    guesses = z @ np.float64(tensors["weight"][entry]) + tensors["bias"][entry]
    mean, older = unit_of(parameter, [a.years[0], sum(a.years)])
    moved = stretched(tensors, entry, guesses, mean, older - mean)
    metadata["data"] = metadata["data"].split("; ages")[0] + f"; ages as of people of {a.years[0]:g} years, deviation {a.years[1]:g}"
    safetensors_io.save(path, moved, metadata)
    export.write_manifest(a.model)
    after = z @ np.float64(moved["weight"][entry]) + moved["bias"][entry]
    print(f"{len(z)} portraits: age {guesses.mean():.3f} with a deviation of {guesses.std():.3f} is now {after.mean():.3f} with {after.std():.3f}")


if __name__ == "__main__":
    main()
