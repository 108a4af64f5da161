"""Teaches the first guess of a model the sex, age, ancestry and eyes of people in photographs, as seen in portraits; in closed form.

    python3 train/teach_guess.py --model DIR --photos-aligned DIR --people portrait_people.csv --cache CACHE --held-out CACHE --work WORK

The guess is fitted to renders (train_encoder.py), and what tells a man from a woman, an old face from a young one, there is not what tells
them apart in photographs: there it tells sexes and ages badly, and takes most eyes for brown. So the rows of MakeHuman's gender, age,
ethnicity and eye colour are fitted anew, to renders with their sliders and to portraits with the sliders that their people would have
(PEOPLE below); all other rows stay. Features hardly show irises, so that what is learnt of them is how often eyes are of a colour, and with
which skin.

DIR holds the exported model with its first guess; --photos-aligned is what `likeness align --landmarks` wrote for the portraits; the caches
are renders of size 256 (scene_stream.py), WORK keeps their features. The table has a line `name,sex,years,ancestry,eyes` for each portrait
(STEM of the file, `f` or `m`, 25 to 90 years, `african`, `asian` or `other`, an option of `eye_color` or nothing). Rewrites
encoder.safetensors and manifest.json; running it again changes nothing.
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
EYES = "eye_color"
MODIFIERS = ["macrodetails/Gender", "macrodetails/Age", "macrodetails/African", "macrodetails/Asian", "macrodetails/Caucasian"]
PORTRAITS_COUNT = 64  # renders that a portrait is worth: there are fewer, and a fit meets photographs
STRENGTHS = (3.0, 10.0, 30.0, 100.0)  # from 100 to 300 portraits gain less, renders lose as much as from 30 to 100
EYES_STRENGTHS = (100.0, 300.0, 1000.0, 3000.0, 10000.0)  # of what is seen so badly little can be learnt
FOLDS = 5


def taught_entries(scene):
    """Where TAUGHT lies in x, where the options of EYES do (by name), and the parameter `age`."""
    parameters = {p["name"]: p for p in scene["parameters"]}
    human = [m for name in ("gender", "age", "ethnicity") for m in MODIFIERS if m in json.dumps(parameters.get(name, {}).get("mhm", ""))]
    if human != MODIFIERS:
        raise SystemExit("scene.json has not MakeHuman's gender, age and ethnicity: only the human head can be taught people")
    entries = list(extend_model.entries(scene))
    eyes = {option: i for i, (name, option) in enumerate(entries) if name == EYES}
    return [entries.index(e) for e in TAUGHT], eyes, parameters["age"]


def unit_of(parameter, years):
    """x of adults of that age: the slider's default stands in the middle."""
    value = YOUNG + (np.asarray(years, float) - YOUNG_YEARS) / (OLD_YEARS - YOUNG_YEARS) * (1 - YOUNG)
    return 0.5 + (value - parameter["default"]) / (parameter["max"] - parameter["default"]) / 2


def read_people(path, options):
    """{name: (sex, years, ancestry, eyes)}, the eyes one of `options` or nothing."""
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    try:
        people = {r["name"]: (r["sex"], float(r["years"]), r["ancestry"], r["eyes"]) for r in rows}
        if any(None in person for person in people.values()):
            raise ValueError("a line is too short")
        if len(people) < len(rows):
            raise ValueError("a name occurs twice")
    except (KeyError, TypeError, ValueError) as error:
        raise SystemExit(f"{path}: every line must be name,sex,years,ancestry,eyes ({error})") from error
    for name, (sex, years, ancestry, eyes) in people.items():
        if sex not in PEOPLE or ancestry not in ANCESTRY or not YOUNG_YEARS <= years <= OLD_YEARS or eyes not in ("", *options):
            known = f"f or m, {YOUNG_YEARS} to {OLD_YEARS} years, {', '.join(ANCESTRY)}, {', '.join(options)} or nothing"
            raise SystemExit(f"{path}: {name} is {sex}, {years:g}, {ancestry}, {eyes}: not {known}")
    return people


def sliders(people, age):
    """x [N, 5] of TAUGHT."""
    sex, years, ancestry, _ = zip(*people)
    return np.column_stack([[PEOPLE[s] for s in sex], unit_of(age, years), [ANCESTRY[a] for a in ancestry]]).astype(np.float64)


def eye_sliders(people, options):
    """Which of the people's eyes are known, and their x [n, options]."""
    known = np.flatnonzero([eyes != "" for *_, eyes in people])
    return known, np.float64([[people[i][-1] == option for option in options] for i in known]).reshape(len(known), len(options))


def without_clothes(z, channels):
    """Clears, in z itself, the lowest row of cells of the maps: in a parliament a tie would tell the men."""
    maps = z[:, :channels * encoder.CELLS**2].reshape(len(z), channels, encoder.CELLS, encoder.CELLS)
    maps[:, :, -1] = 0
    return z


@torch.no_grad()
def columns(extractor, tensors, directory, names, batch=10):
    """The encoder's inputs of aligned portraits (STEM.png beside STEM.json with its landmarks). Colours are those of the likeliest class of
    each place; a fit weighs places by how likely they are."""
    mean, deviation = extractor.centring("photo")
    rows = []
    for part in np.array_split(names, max(1, len(names) // batch)):
        rgb, points = [], []
        for name in part:
            rgb.append(np.asarray(Image.open(os.path.join(directory, name + ".png")).convert("RGB").reduce(2)))
            with open(os.path.join(directory, name + ".json")) as file:
                points.append(np.float64(json.load(file)["frame"]).ravel())
        rgb = np.stack(rgb)
        picture = torch.from_numpy(rgb).permute(0, 3, 1, 2).float().div(255)
        features = extractor.network.features(picture.contiguous(memory_format=torch.channels_last))
        labels = extractor.network.head(features).argmax(1).numpy().astype(np.uint8)
        # region_colours() takes every second pixel.
        colours = train_encoder.region_colours(rgb, labels.repeat(2, 1).repeat(2, 2))
        means = (colours[:, :12] - tensors["colours.mean"]) / tensors["colours.deviation"] * colours[:, 12:].repeat(3, 1)
        maps = (encoder.pooled(features).numpy() - mean) / deviation
        rows.append(encoder.columns(maps, (np.stack(points) - tensors["points.photo_mean"]) / tensors["points.deviation"], means))
    return np.concatenate(rows)


def solved(renders, truth, portraits, wanted):
    """The regression of x [N, P] of renders and portraits together."""
    counts = np.concatenate([np.ones(len(renders)), np.full(len(portraits), float(PORTRAITS_COUNT))])
    return encoder.Ridge(np.concatenate([renders, portraits]), np.concatenate([truth, wanted]), counts)


def ranked(guesses, positive):
    """Chance that one of the positive ones is guessed higher than one of the others."""
    higher = guesses[positive, None] - guesses[None, ~positive]
    return float(np.mean((higher > 0) + 0.5 * (higher == 0)))


def figures(guesses, people):
    """How well guesses [N, 5] tell people apart: what the table has both kinds of."""
    sex, years, ancestry, _ = (np.array(c) for c in zip(*people))
    kinds = {"sex": (0, sex == "m"), "african": (2, ancestry == "african"), "asian": (3, ancestry == "asian")}
    out = {f"{name}_auc": ranked(guesses[:, i], kind) for name, (i, kind) in kinds.items() if kind.any() and not kind.all()}
    if years.std() > 0 and guesses[:, 1].std() > 0:
        out["years_correlation"] = float(np.corrcoef(guesses[:, 1], years)[0, 1])
    return {name: round(value, 3) for name, value in out.items()}


def eye_figures(guesses, seen):
    """How well guesses [N, options] tell the first eye colour from others, and their mean squared error beside the mean's."""
    kind, error = seen[:, 0] > 0, lambda x: round(float(np.square(x - seen).sum(1).mean()), 3)
    told = {"eyes_auc": round(ranked(guesses[:, 0], kind), 3)} if kind.any() and not kind.all() else {}
    return {**told, "eyes_error": error(guesses), "eyes_mean_error": error(seen.mean(0))}


def chosen_strength(strengths, renders, truth, z, wanted, log, measure):
    """Of `strengths` that whose guesses of portraits that it was not fitted to are best; `measure` gives the figures of guesses [N, P]."""
    folds, errors, varying = np.arange(len(z)) % FOLDS, {}, wanted.std(0) > 1e-3
    regressions = [solved(renders, truth, z[folds != fold], wanted[folds != fold]) for fold in range(FOLDS)]
    for strength in strengths:
        guesses = np.zeros_like(wanted)
        for fold, regression in enumerate(regressions):
            weight, bias = regression.solve(strength)
            guesses[folds == fold] = z[folds == fold] @ weight.T + bias
        errors[strength] = float(np.square((guesses - wanted)[:, varying] / wanted[:, varying].std(0)).mean())
        log(strength=strength, error=round(errors[strength], 4), **measure(guesses))
    return min(errors, key=errors.get)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--model", required=True, help="model directory")
    parser.add_argument("--photos-aligned", required=True, help="what `likeness align --landmarks` wrote for the portraits")
    parser.add_argument("--people", required=True, help="CSV: name,sex,years,ancestry,eyes")
    parser.add_argument("--cache", required=True, help="training renders of size 256")
    parser.add_argument("--held-out", required=True, help="held-out renders, measured only")
    parser.add_argument("--work", required=True)
    parser.add_argument("--count", type=int, default=4000, help="renders")
    parser.add_argument("--held-count", type=int, default=500)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=7)
    a = parser.parse_args()
    common.prepare(a.threads, a.seed, "cpu")
    os.makedirs(a.work, exist_ok=True)
    log = common.Log(os.path.join(a.work, "teach.log"))
    scene = os.path.join(a.model, "scene.json")
    with open(scene) as file:
        entries, eyes, age = taught_entries(json.load(file))
    size, groups = common.schema_groups(scene)
    path = os.path.join(a.model, "encoder.safetensors")
    tensors, metadata = safetensors_io.load(path)
    extractor = train_encoder.Extractor(os.path.join(a.model, "extractor.safetensors"))
    companion, _ = safetensors_io.load(os.path.join(a.model, "companions.safetensors"))
    cache, held_cache = Cache(a.cache), Cache(a.held_out)
    if any(c.info["schema"] != metadata["schema"] for c in (cache, held_cache)) or cache.info["parameters"] != size:
        raise SystemExit("the renders are of another scene than the model")
    if metadata["extractor"] != extractor.file:
        raise SystemExit(f"{path} belongs to another extractor: run train_encoder.py first")
    table = read_people(a.people, eyes)
    names = sorted(n for n in table if all(os.path.exists(os.path.join(a.photos_aligned, n + end)) for end in (".png", ".json")))
    if len(names) < LEAST_PORTRAITS:
        raise SystemExit(f"{a.photos_aligned} holds {len(names)} of {len(table)} portraits with landmarks; {LEAST_PORTRAITS} are needed")
    people = [table[n] for n in names]
    channels = len(extractor.centring("photo")[0])
    z, wanted = columns(extractor, tensors, a.photos_aligned, names), sliders(people, age)
    seen, eyes_wanted = eye_sliders(people, eyes)
    store = train_encoder.gather(os.path.join(a.work, "renders"), extractor, cache, a.count, a.seed, False, log)
    held = train_encoder.gather(os.path.join(a.work, "held"), extractor, held_cache, a.held_count, a.seed + 1, False, log)
    inputs = train_encoder.Inputs(store, store.stored, extractor, companion)
    inputs.statistics = {k: tensors[k] for k in inputs.statistics}  # what goes into the other rows stays as it is
    renders, truth = inputs(store, cache, np.random.default_rng(a.seed)), np.float64(cache.parameters[:store.stored])
    held_renders, held_truth = inputs(held, held_cache), np.array(held_cache.parameters[:held.stored])

    def measure(when):
        """Of portraits and held-out renders, with the weights as they are stored."""
        weight, bias = np.float64(tensors["weight"]), np.float64(tensors["bias"])
        x = encoder.vector(held_renders @ weight.T + bias, groups)
        error = np.abs(x - held_truth)[:, entries].mean(0)
        told = figures(z @ weight[entries].T + bias[entries], people)
        if len(seen) >= LEAST_PORTRAITS:
            told |= eye_figures(z[seen] @ weight[list(eyes.values())].T + bias[list(eyes.values())], eyes_wanted)
        log(when=when, **told, renders_error=[round(float(e), 3) for e in error])
        return {"held_out": held.stored, **train_encoder.figures(x, held_truth, scene)}

    measure("before")
    log(average_error=[round(float(e), 3) for e in np.abs(truth.mean(0) - held_truth)[:, entries].mean(0)])
    portraits, renders = without_clothes(z.copy(), channels), without_clothes(renders, channels)
    lessons = [(STRENGTHS, entries, np.arange(len(names)), wanted, lambda guesses: figures(guesses, people))]
    if len(seen) >= LEAST_PORTRAITS:
        lessons.append((EYES_STRENGTHS, list(eyes.values()), seen, eyes_wanted, lambda guesses: eye_figures(guesses, eyes_wanted)))
    strengths = []
    for choices, rows, which, x, measured in lessons:
        strengths.append(chosen_strength(choices, renders, truth[:, rows], portraits[which], x, log, measured))
        tensors["weight"][rows], tensors["bias"][rows] = solved(renders, truth[:, rows], portraits[which], x).solve(strengths[-1])
    metadata["figures"] = json.dumps(measure("taught, its own portraits"))
    part = "; gender, age, ethnicity"
    taught = part + (f", {EYES}" if len(lessons) > 1 else "")
    labelled = f"{len(names)} portraits labelled by eye" + (f", {len(seen)} of them with eye colours" if len(lessons) > 1 else "")
    metadata["data"] = metadata["data"].split(part)[0] + f"{taught}: also {labelled}"
    choice = f"strengths {', '.join(f'{s:g}' for s in strengths)}, each the best of several over {FOLDS} folds of portraits"
    recipe = f"on {store.stored} renders and portraits, each as {PORTRAITS_COUNT} renders; {choice}; seed {a.seed}"
    metadata["recipe"] = metadata["recipe"].split(part)[0] + f"{taught}: {recipe}"
    safetensors_io.save(path, tensors, metadata)
    export.write_manifest(a.model)


if __name__ == "__main__":
    main()
