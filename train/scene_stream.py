"""Reads what `likeness dataset --stream` writes, and keeps it in a cache directory so that several epochs reuse one rendering.

    python3 train/scene_stream.py --cache DIR -n 20000 --size 256 --seed 1 --client build/release/cli/likeness [-- extra options of dataset]

A cache holds parameters.f32, landmarks.f32, rgb.u8, labels.u8 (one record after the other) and cache.json, whose `stored` counts the
finished records: an interrupted run continues there, a training may read while the cache still grows. `Live` keeps nothing: every render
is used once.
"""
import argparse
import json
import os
import queue
import subprocess
import threading

import numpy as np

LANDMARKS = 68


def _read(pipe, view):
    """Fills the whole memoryview; False at the end of the stream."""
    done = 0
    while done < len(view):
        n = pipe.readinto(view[done:])
        if not n:
            return False
        done += n
    return True


class Stream:
    """Iterates (x [P] float32, landmarks [68, 2] float32, rgb [S, S, 3] uint8, labels [S, S] uint8 or None) of a binary pipe."""

    def __init__(self, pipe):
        self.pipe = pipe
        line = pipe.readline(1 << 20)
        if not line:
            raise RuntimeError("the stream is empty: did `likeness dataset` fail?")
        self.header = json.loads(line)
        if self.header.get("format") != "likeness-stream" or self.header.get("version") != 1:
            raise RuntimeError("not a likeness-stream of version 1")

    def __iter__(self):
        p, size = self.header["parameters"], self.header["size"]
        numbers, pixels = 4 * (p + 2 * LANDMARKS), size * size
        length = numbers + 3 * pixels + (pixels if self.header["labels"] else 0)
        for _ in range(self.header["count"]):
            record = bytearray(length)
            if not _read(self.pipe, memoryview(record)):
                raise RuntimeError("the stream ended early")
            values = np.frombuffer(record, "<f4", p + 2 * LANDMARKS)
            rgb = np.frombuffer(record, np.uint8, 3 * pixels, numbers).reshape(size, size, 3)
            labels = np.frombuffer(record, np.uint8, pixels, numbers + 3 * pixels).reshape(size, size) if self.header["labels"] else None
            yield values[:p], values[p:].reshape(LANDMARKS, 2), rgb, labels


class Cache:
    """Memory-mapped arrays of a cache directory: parameters [N, P], landmarks [N, 68, 2], rgb [N, S, S, 3], labels [N, S, S]."""

    def __init__(self, directory, mode="r"):
        self.directory, self.mode = directory, mode
        with open(os.path.join(directory, "cache.json")) as file:
            self.info = json.load(file)
        n, p, s = self.info["count"], self.info["parameters"], self.info["size"]
        self.parameters = self._map("parameters.f32", np.float32, (n, p))
        self.landmarks = self._map("landmarks.f32", np.float32, (n, LANDMARKS, 2))
        self.rgb = self._map("rgb.u8", np.uint8, (n, s, s, 3))
        self.labels = self._map("labels.u8", np.uint8, (n, s, s)) if self.info["labels"] else None

    def _map(self, name, dtype, shape):
        path = os.path.join(self.directory, name)
        return np.memmap(path, dtype, "r" if self.mode == "r" else ("r+" if os.path.exists(path) else "w+"), shape=shape)

    def stored(self):
        """Records that are complete now (grows while a writer runs)."""
        with open(os.path.join(self.directory, "cache.json")) as file:
            return json.load(file)["stored"]

    def mark(self, stored):
        self.info["stored"] = stored
        write_info(os.path.join(self.directory, "cache.json"), self.info)


def write_info(path, info):
    """Atomic: a crash leaves the old file or the new one."""
    with open(path + ".tmp", "w") as file:
        json.dump(info, file)
    os.replace(path + ".tmp", path)


def fill(directory, command, count, more=()):
    """Runs `command + more + [--first I -n M]` until the cache holds `count` records. `more`: options that change no record. Returns the cache."""
    os.makedirs(directory, exist_ok=True)
    info = os.path.join(directory, "cache.json")
    first = 0
    if os.path.exists(info):
        with open(info) as file:
            known = json.load(file)
        if known["command"] != command or known["count"] != count:
            raise RuntimeError(f"{directory} holds another data set: remove it or choose another directory")
        first = known["stored"]
    if first < count:
        process = subprocess.Popen([*command, *more, "--first", str(first), "-n", str(count - first)], stdout=subprocess.PIPE, bufsize=1 << 22)
        with process:
            _store(Stream(process.stdout), directory, command, first, count)
        if process.returncode != 0:
            raise RuntimeError(f"`{' '.join(command)}` failed with status {process.returncode}")
        Cache(directory, "r+").mark(count)
    return Cache(directory)


def _store(stream, directory, command, first, count):
    info = os.path.join(directory, "cache.json")
    if not os.path.exists(info):
        known = {"count": count, "stored": 0, "command": command, **{k: stream.header[k] for k in ("parameters", "size", "labels", "schema")}}
        write_info(info, known)
    cache = Cache(directory, "r+")
    for i, (x, landmarks, rgb, labels) in enumerate(stream, first):
        cache.parameters[i], cache.landmarks[i], cache.rgb[i] = x, landmarks, rgb
        if labels is not None:
            cache.labels[i] = labels
        if (i + 1) % 50 == 0:
            cache.mark(i + 1)
        if (i + 1) % 1000 == 0:
            print("stored", i + 1, flush=True)


class Live:
    """Renders made while they are asked for, each given once: take(count) -> x [N, P], rgb [N, S, S, 3], labels [N, S, S].

    `first`: number of the first character; a training that goes on after a pause names how many it has seen. At most `ahead` renders wait.
    """

    def __init__(self, command, size, first, ahead=512):
        command = command + ["--size", str(size), "--first", str(first), "-n", str(1 << 40)]
        # In a session of its own: a Ctrl-C or a signal to the training's group must not end it before the training has saved.
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=1 << 22, start_new_session=True)
        self.stream = Stream(self.process.stdout)
        self.records, self.error, self.closed = queue.Queue(ahead), None, False
        threading.Thread(target=self._read_on, daemon=True).start()

    def _read_on(self):
        try:
            for x, _, rgb, labels in self.stream:
                self.records.put((x, rgb, labels))
                if self.closed:
                    return
        except RuntimeError as error:
            self.error = error
        self.records.put(None)

    def take(self, count):
        records = []
        while len(records) < count:
            record = self.records.get()
            if record is None:
                self.records.put(None)
                raise self.error or RuntimeError("the stream of renders has ended")
            records.append(record)
        return tuple(np.stack(part) for part in zip(*records))

    def close(self):
        self.closed = True
        self.process.kill()
        self.process.wait()
        try:
            self.records.get_nowait()  # the reader may wait for room
        except queue.Empty:
            pass


def dataset_command(client, seed, draw="human", extra=()):
    """What renders characters of one seed as a stream; `--size`, `--first` and `-n` are left to be added."""
    return [client, "dataset", "--stream", "--labels", "--seed", str(seed), "--draw", draw, *extra]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--cache", required=True)
    parser.add_argument("-n", type=int, required=True)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--draw", default="human")
    parser.add_argument("--client", required=True, help="the `likeness` program")
    parser.add_argument("--threads", type=int, help="of the client (default: all cores)")
    parser.add_argument("extra", nargs="*", help="after --: further options of `likeness dataset`")
    a = parser.parse_args()
    command = dataset_command(a.client, a.seed, a.draw, ["--size", str(a.size)] + a.extra)
    print("stored", fill(a.cache, command, a.n, ["--threads", str(a.threads)] if a.threads else []).stored())


if __name__ == "__main__":
    main()
