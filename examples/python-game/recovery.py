"""How far fitted characters are from the ones that were drawn.

    python3 recovery.py PHOTOS FITS       PHOTOS: a folder of `likeness dataset`; FITS: the output folder of `likeness fit PHOTOS`

Errors are in [0, 1], where 1 is a slider's whole way; beside them the errors of the average face, which a useful fit must beat.
"""
import array
import ast
import json
import math
import os
import sys


def read_npy(path):
    """The rows of a float32 .npy file, flat."""
    with open(path, "rb") as file:
        data = file.read()
    length = int.from_bytes(data[8:10], "little")
    rows, *rest = ast.literal_eval(data[10:10 + length].decode())["shape"]
    columns = math.prod(rest)
    values = array.array("f", data[10 + length:])
    return [values[r * columns:(r + 1) * columns] for r in range(rows)]


def main():
    photos, fits = sys.argv[1:3]
    with open(os.path.join(photos, "scene.json")) as file:
        parameters = json.load(file)["parameters"]
    errors, average, right, fitted = {}, {}, 0, 0
    for i, truth in enumerate(read_npy(os.path.join(photos, "parameters.npy"))):
        path = os.path.join(fits, f"{i:06d}", "character.json")
        if not os.path.exists(path):
            continue  # refused: the ledger says why
        fitted += 1
        with open(path) as file:
            found, offset = json.load(file)["parameters"], 0
        for p in parameters:
            names = p.get("components") or p.get("options") or [None]
            unit, true = found[p["name"]]["unit"], truth[offset:offset + len(names)]
            offset += len(names)
            if p["type"] == "choice":
                right += names[list(true).index(max(true))] == found[p["name"]]["value"]
                continue
            unit, start = ([unit], 0.5) if names == [None] else (unit, 1 / len(names))
            errors.setdefault(p["name"], []).append(sum(abs(a - b) for a, b in zip(unit, true)) / len(true))
            average.setdefault(p["name"], []).append(sum(abs(start - b) for b in true) / len(true))
    if not fitted:
        raise SystemExit("no fitted characters in " + fits)
    print(f"{'parameter':16} {'error':>6} {'average face':>13}")
    for name in errors:
        print(f"{name:16} {sum(errors[name]) / fitted:6.3f} {sum(average[name]) / fitted:13.3f}")
    total, baseline = (sum(sum(v) for v in d.values()) / fitted / len(errors) for d in (errors, average))
    print(f"{'mean':16} {total:6.3f} {baseline:13.3f}\nchoices right    {right} of {fitted * sum(p['type'] == 'choice' for p in parameters)}")


if __name__ == "__main__":
    main()
