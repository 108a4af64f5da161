"""What several tests of train/ need: small caches of random pictures, and the training scripts as programs."""
import json
import os
import signal
import subprocess
import sys

import numpy as np

import parallel
import scene_stream

FOLDER = os.path.dirname(os.path.abspath(__file__))


def write_cache(directory, count, size, parameters=3):
    """A cache of random pictures, labels and landmarks."""
    os.makedirs(directory)
    with open(os.path.join(directory, "cache.json"), "w") as file:
        json.dump({"count": count, "stored": count, "command": [], "parameters": parameters, "size": size, "labels": True, "schema": "s"}, file)
    cache, random = scene_stream.Cache(directory, "r+"), np.random.default_rng(1)
    cache.rgb[:] = random.integers(0, 256, cache.rgb.shape, np.uint8)
    cache.labels[:] = random.integers(0, 11, cache.labels.shape, np.uint8)
    cache.landmarks[:] = random.uniform(0.2, 0.8, cache.landmarks.shape) * size
    cache.parameters[:] = random.uniform(0, 1, cache.parameters.shape)
    return cache


def script(name, *arguments, processes=1):
    """The command that runs train/NAME, in one process or in several through torchrun."""
    launcher = ["-m", "torch.distributed.run", *parallel.DEBIAN_12, "--standalone", "--nproc_per_node", str(processes)] if processes > 1 else []
    return [sys.executable, *launcher, os.path.join(FOLDER, name), *map(str, arguments)]


def interrupted(command, sign):
    """Starts the command, ends it by SIGTERM at the first line with `sign`, returns its status."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    with process.stdout:
        for line in process.stdout:
            if sign in line:
                process.send_signal(signal.SIGTERM)
                break
        process.stdout.read()
    return process.wait()


def run(name, *arguments, processes=1):
    """Runs it; a failure shows what it printed."""
    done = subprocess.run(script(name, *arguments, processes=processes), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{name} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout
