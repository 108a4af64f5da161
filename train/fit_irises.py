"""Fits what photographs show of eyes that the client draws in a colour, for iris_distance() (fit/iris.cc); says how often that is right.

    likeness evaluate irises PORTRAITS --renders 150 > irises.csv
    python3 train/fit_irises.py --irises irises.csv --people train/portrait_people.csv

The table of people names the option of `eye_color` that somebody saw in each portrait, or none where it cannot be told. A portrait's
irises p [3] are taken to be M r + b + noise, r the client's of that option; M and b are the ridge regression of the colours' mean portraits
on their pictures, the noise has the covariance that portraits of one colour have in common. Prints M, b and W, the inverse of the
covariance's lower Cholesky factor, which makes |W (p - M r - b)| the Mahalanobis distance.
"""
import argparse
import csv

import numpy as np

STRENGTH = 1.0  # of the ridge, colours standardised: they are few
FOLDS = 10
LEAST_PORTRAITS = 5  # of a colour


def read_irises(path):
    """{kind: {name: [3]}} of what `likeness evaluate irises` printed."""
    irises = {"photo": {}, "option": {}}
    with open(path, newline="") as file:
        for r in csv.DictReader(file):
            irises[r["kind"]][r["name"]] = np.float64([r["light"], r["red_green"], r["green_blue"]])
    return irises


def fit(portraits, colours, drawn):
    """M [3, 3], b [3], W [3, 3] of portraits [N, 3] with the indices `colours` [N] of rows of drawn [K, 3]."""
    kinds = range(len(drawn))
    means = np.stack([portraits[colours == k].mean(0) for k in kinds])
    weight = np.sqrt([(colours == k).sum() for k in kinds])
    weight /= weight.mean()
    middle, deviation = drawn.mean(0), drawn.std(0)
    inputs = np.column_stack([(drawn - middle) / deviation, np.ones(len(drawn))])
    solved = np.linalg.solve(inputs.T @ (inputs * weight[:, None]) + np.diag([STRENGTH] * 3 + [0]), inputs.T @ (means * weight[:, None]))
    matrix = solved[:3].T / deviation
    noise = np.cov(np.concatenate([portraits[colours == k] - means[k] for k in kinds]).T)
    return matrix, solved[3] - matrix @ middle, np.linalg.inv(np.linalg.cholesky(noise))


def nearest(portraits, drawn, fitted):
    """The colours [N] that portraits would be given."""
    matrix, offset, whitening = fitted
    apart = portraits[:, None] - (drawn @ matrix.T + offset)[None]
    return np.linalg.norm(apart @ whitening.T, axis=2).argmin(1)


def named_right(portraits, colours, drawn):
    """The colours [N] given to portraits that the fit has not seen."""
    folds, given = np.zeros(len(portraits), int), np.zeros(len(portraits), int)
    for k in range(len(drawn)):  # some of every colour in each
        folds[colours == k] = np.arange(np.sum(colours == k)) % FOLDS
    for fold in range(FOLDS):
        given[folds == fold] = nearest(portraits[folds == fold], drawn, fit(portraits[folds != fold], colours[folds != fold], drawn))
    return given


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--irises", required=True, help="what `likeness evaluate irises` printed for the portraits and renders")
    parser.add_argument("--people", required=True, help="CSV with the columns name and eyes")
    a = parser.parse_args()
    irises, options = (read_irises(a.irises)[kind] for kind in ("photo", "option"))
    names = list(options)
    with open(a.people, newline="") as file:
        seen = [(r["name"], r["eyes"]) for r in csv.DictReader(file) if r["eyes"] and r["name"] in irises]
    unknown = sorted({eyes for _, eyes in seen} - set(names))
    few = [name for name in names if sum(eyes == name for _, eyes in seen) < LEAST_PORTRAITS]
    if unknown or few:
        raise SystemExit(f"{a.people}: colours that no picture shows: {unknown}; with fewer than {LEAST_PORTRAITS} portraits: {few}")
    portraits, colours = np.stack([irises[name] for name, _ in seen]), np.array([names.index(eyes) for _, eyes in seen])
    drawn = np.stack([options[name] for name in names])
    for title, values in zip(("M", "b", "W"), fit(portraits, colours, drawn)):
        print(title, np.array2string(values, precision=3, separator=", ", suppress_small=True).replace("\n", ""))
    given = named_right(portraits, colours, drawn)
    print(f"{len(portraits)} portraits, by {FOLDS} folds: {np.mean(given == colours):.2f} named right; rows: seen, columns: given", *names)
    for k, name in enumerate(names):
        print(f"{name:12s}", *(int(np.sum(given[colours == k] == j)) for j in range(len(names))))


if __name__ == "__main__":
    main()
