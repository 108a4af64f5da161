"""Blends an extractor before and after its adaptation to photographs: (1 - share) * before + share * after, weight by weight.

    python3 train/blend_f.py --before WORK/f.pt --after WORK/adapted/f.pt --share 0.5 --out WORK/blended/f.pt

Adaptation improves photographs and costs on renders; between the two networks lies one that keeps nearly all of both (Wortsman et al., "Robust
fine-tuning of zero-shot models", CVPR 2022).
"""
import argparse
import os

import torch

import common


def blend(before, after, share):
    """Checkpoints of train_f.py, `after` started from `before`. Returns a checkpoint to export, not to train on."""
    if before["architecture"] != after["architecture"]:
        raise SystemExit("the two checkpoints are of different networks")
    average = {}
    for name, value in after["average"].items():
        average[name] = torch.lerp(before["average"][name], value, share) if value.is_floating_point() else value
    kept = {k: after[k] for k in ("steps", "images", "spent", "architecture", "schema", "options", "earlier", "processes") if k in after}
    return {**kept, "average": average, "blended": share}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--before", required=True)
    parser.add_argument("--after", required=True)
    parser.add_argument("--share", type=float, default=0.5)
    parser.add_argument("--out", required=True)
    a = parser.parse_args()
    if not 0 <= a.share <= 1:
        raise SystemExit("--share is between 0 and 1")
    os.makedirs(os.path.dirname(os.path.abspath(a.out)), exist_ok=True)
    before, after = (torch.load(path, map_location="cpu") for path in (a.before, a.after))
    common.save_checkpoint(a.out, blend(before, after, a.share))


if __name__ == "__main__":
    main()
