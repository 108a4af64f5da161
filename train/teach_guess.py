"""Teaches the first guess of a model the sex, age and ancestry of people in photographs, as somebody saw them in portraits; in closed form.

    python3 train/teach_guess.py --model DIR --photos-aligned DIR --people portrait_people.csv --cache CACHE --work WORK [--count N]

The guess is fitted to renders (train_encoder.py), and what tells a man from a woman, an old face from a young one, there is not what tells
them apart in photographs: there it tells sexes and ages badly. So the rows of MakeHuman's gender, age and ethnicity are fitted
anew, to renders with their sliders and to portraits with the sliders that their people would have (PEOPLE below); all other rows stay.

DIR holds the exported model with its first guess; --photos-aligned is what `likeness align --landmarks` wrote for the portraits; CACHE are
renders of size 256 (scene_stream.py), WORK keeps their features. The table has a line `name,sex,years,ancestry` for each portrait (STEM of
the file, `f` or `m`, years, `african`, `asian` or `other`). Rewrites encoder.safetensors and manifest.json, whose figures stay
those of the guess before; running it again changes nothing.
"""
import argparse
import csv
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
from scene_stream import Cache

LEAST_PORTRAITS = 30
YOUNG, YOUNG_YEARS, OLD_YEARS = 0.5, 25, 90  # MakeHuman's age: 0.5 is 25 years, 1 is 90
PEOPLE = {"f": 0.15, "m": 0.8}  # of the gender slider: faces at its ends are types, not people
ANCESTRY = {"african": (0.85, 0.05, 0.10), "asian": (0.05, 0.85, 0.10), "other": (0.05, 0.07, 0.88)}  # african, asian, caucasian
TAUGHT = [("gender", None), ("age", None), ("ethnicity", "african"), ("ethnicity", "asian"), ("ethnicity", "caucasian")]
MODIFIERS = ["macrodetails/Gender", "macrodetails/Age", "macrodetails/African", "macrodetails/Asian", "macrodetails/Caucasian"]
PORTRAITS_COUNT = 64  # renders that a portrait is worth: there are fewer, and a fit meets photographs
STRENGTHS = (3.0, 10.0, 30.0, 100.0)  # 300 gains portraits little and costs renders as much as 100 does
FOLDS = 5


def taught_entries(scene):
    """Where TAUGHT lies in x, and the parameter `age`."""
    parameters = {p["name"]: p for p in scene["parameters"]}
    human = [m for name in ("gender", "age", "ethnicity") for m in MODIFIERS if m in json.dumps(parameters.get(name, {}).get("mhm", ""))]
    if human != MODIFIERS:
        raise SystemExit("scene.json has not MakeHuman's gender, age and ethnicity: only the human head can be taught people")
    entries = list(extend_model.entries(scene))
    return [entries.index(e) for e in TAUGHT], parameters["age"]


def unit_of(parameter, years):
    """x of adults of that age: the slider's default stands in the middle."""
    value = YOUNG + (np.asarray(years, float) - YOUNG_YEARS) / (OLD_YEARS - YOUNG_YEARS) * (1 - YOUNG)
    return 0.5 + (value - parameter["default"]) / (parameter["max"] - parameter["default"]) / 2


def read_people(path):
    """{name: (sex, years, ancestry)}."""
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    try:
        people = {r["name"]: (r["sex"], float(r["years"]), r["ancestry"]) for r in rows}
    except (KeyError, TypeError, ValueError) as error:
        raise SystemExit(f"{path}: every line must be name,sex,years,ancestry ({error})") from error
    for name, (sex, years, ancestry) in people.items():
        if sex not in PEOPLE or ancestry not in ANCESTRY or not 18 <= years <= 100:
            raise SystemExit(f"{path}: {name} is {sex}, {years:g}, {ancestry}: not f or m, 18 to 100 years, {', '.join(ANCESTRY)}")
    return people


def sliders(people, age):
    """x [N, 5] of TAUGHT."""
    sex, years, ancestry = zip(*people)
    return np.column_stack([[PEOPLE[s] for s in sex], unit_of(age, years), [ANCESTRY[a] for a in ancestry]]).astype(np.float64)


def without_clothes(z, channels):
    """Columns whose maps show nothing in their lowest row of cells: in a parliament a tie would tell the men."""
    maps = z[:, :channels * encoder.CELLS**2].reshape(len(z), channels, encoder.CELLS, encoder.CELLS)
    maps[:, :, -1] = 0
    return z


@torch.no_grad()
def columns(extractor, tensors, directory, names, batch=10):
    """The encoder's inputs of aligned portraits (STEM.png beside STEM.json with its landmarks). Colours are those of the likeliest class of each
    place; a fit weighs places by how likely they are."""
    mean, deviation = extractor.centring("photo")
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


def solved(renders, truth, portraits, wanted):
    """The regression of x [N, 5] of renders and portraits together."""
    counts = np.concatenate([np.ones(len(renders)), np.full(len(portraits), float(PORTRAITS_COUNT))])
    return encoder.Ridge(np.concatenate([renders, portraits]), np.concatenate([truth, wanted]), counts)


def ranked(guesses, positive):
    """Chance that one of the positive ones is guessed higher than one of the others."""
    order = guesses[:, None] - guesses[None, ~positive] if positive.any() else np.zeros((1, 1))
    return float(np.mean((order[positive] > 0) + 0.5 * (order[positive] == 0)))


def figures(guesses, people):
    """How well guesses [N, 5] tell people apart."""
    sex, years, ancestry = (np.array(c) for c in zip(*people))
    out = {"sex_auc": ranked(guesses[:, 0], sex == "m"), "years_correlation": float(np.corrcoef(guesses[:, 1], years)[0, 1])}
    for i, name in ((2, "african"), (3, "asian")):
        if (ancestry == name).any():
            out[name + "_auc"] = ranked(guesses[:, i], ancestry == name)
    return {name: round(value, 3) for name, value in out.items()}


def chosen_strength(renders, truth, z, wanted, log, people):
    """The strength whose guesses of portraits that it was not fitted to are best."""
    folds, errors = np.arange(len(z)) % FOLDS, {}
    regressions = [solved(renders, truth, z[folds != fold], wanted[folds != fold]) for fold in range(FOLDS)]
    for strength in STRENGTHS:
        guesses = np.zeros_like(wanted)
        for fold, regression in enumerate(regressions):
            weight, bias = regression.solve(strength)
            guesses[folds == fold] = z[folds == fold] @ weight.T + bias
        errors[strength] = float(np.square((guesses - wanted) / wanted.std(0)).mean())
        log(strength=strength, error=round(errors[strength], 4), **figures(guesses, people))
    return min(errors, key=errors.get)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--model", required=True, help="model directory")
    parser.add_argument("--photos-aligned", required=True, help="what `likeness align --landmarks` wrote for the portraits")
    parser.add_argument("--people", required=True, help="CSV: name,sex,years,ancestry")
    parser.add_argument("--cache", required=True, help="training renders of size 256")
    parser.add_argument("--work", required=True)
    parser.add_argument("--count", type=int, default=4000, help="renders")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=7)
    a = parser.parse_args()
    common.prepare(a.threads, a.seed, "cpu")
    os.makedirs(a.work, exist_ok=True)
    log = common.Log(os.path.join(a.work, "teach.log"))
    with open(os.path.join(a.model, "scene.json")) as file:
        entries, age = taught_entries(json.load(file))
    path = os.path.join(a.model, "encoder.safetensors")
    tensors, metadata = safetensors_io.load(path)
    extractor = train_encoder.Extractor(os.path.join(a.model, "extractor.safetensors"))
    companion, _ = safetensors_io.load(os.path.join(a.model, "companions.safetensors"))
    table = read_people(a.people)
    names = sorted(n for n in table if all(os.path.exists(os.path.join(a.photos_aligned, n + end)) for end in (".png", ".json")))
    if len(names) < LEAST_PORTRAITS:
        raise SystemExit(f"{a.photos_aligned} holds {len(names)} of the {len(table)} portraits with landmarks; {LEAST_PORTRAITS} are needed")
    people = [table[n] for n in names]
    channels = len(extractor.centring("photo")[0])
    z, wanted = columns(extractor, tensors, a.photos_aligned, names), sliders(people, age)
    cache = Cache(a.cache)
    store = train_encoder.gather(os.path.join(a.work, "renders"), extractor, cache, a.count, a.seed, False, log)
    inputs = train_encoder.Inputs(store, store.stored, extractor, companion)
    inputs.statistics = {k: tensors[k] for k in inputs.statistics}
    renders, truth = inputs(store, cache, np.random.default_rng(a.seed)), np.float64(cache.parameters[:store.stored])[:, entries]
    before = tensors["weight"][entries].astype(np.float64), tensors["bias"][entries]
    log(before=True, **figures(z @ before[0].T + before[1], people))
    z, renders = without_clothes(z, channels), without_clothes(renders, channels)
    # The last tenth of the renders only measures.
    fitted = len(renders) * 9 // 10
    strength = chosen_strength(renders[:fitted], truth[:fitted], z, wanted, log, people)
    weight, bias = solved(renders[:fitted], truth[:fitted], z, wanted).solve(strength)
    error = np.abs(renders[fitted:] @ weight.T + bias - truth[fitted:]).mean(0)
    tensors["weight"][entries], tensors["bias"][entries] = weight, bias
    log(portraits=len(names), strength=strength, renders_error=[round(float(e), 3) for e in error])
    metadata["data"] = metadata["data"].split("; gender")[0] + f"; gender, age, ethnicity: also {len(names)} portraits labelled by eye"
    safetensors_io.save(path, tensors, metadata)
    export.write_manifest(a.model)


if __name__ == "__main__":
    main()
