"""Carries a model folder over to a scene.json that has further parameters, without training.

    python3 train/extend_model.py --model DIR --before OLD_SCENE.json --client build/release/cli/likeness

DIR holds the new scene.json and the files that were trained for the old one, which are rewritten. Parameters of the same name, range and
options keep their effect; new ones have none on the generator's pictures, landmarks and colours, and the first guess takes them to be at
their defaults: a fit leaves new sliders there, and chooses another option where the client's picture is clearly the better for it. Training
again is better; this costs seconds.
"""
import argparse
import io
import json
import os
import subprocess

import numpy as np

import export
import safetensors_io
import scene_stream


def entries(scene):
    """(name, part) of each entry of x -> what it must share with its former self, in the order of x."""
    out = {}
    for p in scene["parameters"]:
        for part in p.get("options") or p.get("components") or [None]:
            out[(p["name"], part)] = {k: p.get(k) for k in ("type", "role", "min", "default", "max")}
    return out


def mapping(before, after):
    """For each entry of the new x the row of the old one, or -1. Every old entry must be there, unchanged: the networks know it so."""
    old, new = entries(before), entries(after)
    for key, facts in old.items():
        # Another default option moves nothing that an entry of a choice means.
        if key not in new or any(new[key][k] != v for k, v in facts.items() if k != "default" or facts["type"] == "continuous"):
            raise SystemExit(f"the new scene lacks or changes {' '.join(str(k) for k in key if k)}: train the model again")
    for name, part in new.keys() - old.keys():
        # A generator's constant part is spread over the options of its choices: an option without weights would lack its share.
        if any(name == known for known, _ in old):
            raise SystemExit(f"the new scene adds {part} to {name}: only whole parameters can be added without training")
    rows = list(old)
    return np.array([rows.index(key) if key in old else -1 for key in new])


def rows_of(tensor, rows, axis, missing):
    """The tensor with its `axis` in the new order; `missing` [new entries] where there was nothing."""
    moved = np.moveaxis(tensor, axis, 0)
    out = np.zeros((len(rows), *moved.shape[1:]), tensor.dtype)
    out[rows >= 0] = moved[rows[rows >= 0]]
    out[rows < 0] = np.asarray(missing, tensor.dtype)[rows < 0].reshape(-1, *[1] * (out.ndim - 1))
    return np.ascontiguousarray(np.moveaxis(out, 0, axis))


def defaults(scene):
    """The x of the average face."""
    x = []
    for p in scene["parameters"]:
        if p["type"] == "choice":
            x += [float(option == p["default"]) for option in p["options"]]
        else:
            parts = p.get("components", [None])
            x += [0.5 if p["type"] == "continuous" else 1 / len(parts)] * len(parts)
    return np.array(x)


def extended(name, tensors, rows, scene):
    """The tensors of one file for the new scene."""
    out, nothing = dict(tensors), np.zeros(len(rows))
    if name == "generator":
        out["deconv0.weight"] = rows_of(tensors["deconv0.weight"], rows, 0, nothing)
    elif name == "companions":
        out["landmarks.weight"] = rows_of(tensors["landmarks.weight"], rows, 1, nothing)
        out["colours.routed"] = rows_of(tensors["colours.routed"], rows, 0, nothing)
        places = {int(row): i for i, row in enumerate(rows) if row >= 0}
        out["colours.inputs"] = np.array([places[int(i)] for i in tensors["colours.inputs"]], tensors["colours.inputs"].dtype)
    else:
        out["weight"] = rows_of(tensors["weight"], rows, 0, nothing)
        out["bias"] = rows_of(tensors["bias"], rows, 0, defaults(scene))
    return out


def schema_hash(client, scene):
    """Of a scene.json, by the program."""
    command = scene_stream.dataset_command(client, 0, extra=["-n", "0", "--size", "16", "--scene", scene])
    return scene_stream.Stream(io.BytesIO(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)).header["schema"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--model", required=True, help="model directory with the new scene.json")
    parser.add_argument("--before", required=True, help="scene.json that its files were trained for")
    parser.add_argument("--client", required=True, help="the `likeness` program: it knows the hash of a schema")
    a = parser.parse_args()
    with open(a.before) as file:
        before = json.load(file)
    with open(os.path.join(a.model, "scene.json")) as file:
        after = json.load(file)
    rows = mapping(before, after)
    schema = schema_hash(a.client, os.path.join(a.model, "scene.json"))
    for name, size in (("generator", "inputs"), ("companions", "inputs"), ("encoder", "outputs")):
        path = os.path.join(a.model, name + ".safetensors")
        if not os.path.exists(path):
            continue
        tensors, metadata = safetensors_io.load(path)
        architecture = json.loads(metadata["architecture"])
        if architecture[size] != int(rows.max()) + 1:
            raise SystemExit(f"{path} was trained for another scene than {a.before}")
        architecture[size] = len(rows)
        if "schema" in architecture:
            architecture["schema"] = schema
        added = [p["name"] for p in after["parameters"] if p["name"] not in {q["name"] for q in before["parameters"]}]
        note = f"Trained before the scene had {', '.join(added)}, which has no effect here."
        metadata.update(architecture=json.dumps(architecture), schema=schema, note=" ".join(filter(None, [metadata.get("note"), note])))
        safetensors_io.save(path, extended(name, tensors, rows, after), metadata)
    export.write_manifest(a.model)


if __name__ == "__main__":
    main()
