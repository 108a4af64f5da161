"""Runs the steps of a long piece of work, some at a time, and continues where an earlier run was interrupted or killed.

A step is a command. When it ends with status 0, FOLDER/NAME.done keeps the command; a step whose command has changed is run again, and so
is what comes after it. What is done inside an unfinished step is the command's business: all of train/ continue their own work.
"""
import dataclasses
import fcntl
import json
import os
import signal
import subprocess
import time

THREADS = "{threads}"
HEARTBEAT = 60.0  # seconds between lines about what is running


@dataclasses.dataclass(frozen=True)
class Step:
    name: str
    what: str               # a few words for the reader
    command: list           # of strings; THREADS stands for the number of threads, which changes no result
    after: tuple = ()       # names of earlier steps that it needs
    minutes: float = 0.0    # expected, on one core


def say(text):
    print(time.strftime("%H:%M:%S ") + text, flush=True)


def _marker(folder, step):
    return os.path.join(folder, step.name + ".done")


def _log(folder, step):
    return os.path.join(folder, step.name + ".txt")


def finished(steps, folder):
    """Names of the steps that need not run. A step comes after those that it needs."""
    done = set()
    for step in steps:
        try:
            with open(_marker(folder, step)) as file:
                known = json.load(file)
        except FileNotFoundError:
            continue
        if known == step.command and done.issuperset(step.after):
            done.add(step.name)
    return done


def _mark(folder, step):
    path = _marker(folder, step)
    with open(path + ".tmp", "w") as file:
        json.dump(step.command, file)
    os.replace(path + ".tmp", path)


def _last_lines(path, count):
    with open(path, errors="replace") as file:
        return file.read()[-4000:].splitlines()[-count:]


class Lock:
    """One run a folder. The steps inherit the lock, so that one left behind by a killed run holds it too: FOLDER/lock then names it."""

    def __init__(self, folder):
        self.file = open(os.path.join(folder, "lock"), "a+")
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.file.seek(0)
            raise SystemExit(f"{folder} is in use by {self.file.read().strip()}: wait for it or end it, then start again") from None

    def write(self, running):
        self.file.truncate(0)
        self.file.write("; ".join(["process %d" % os.getpid()] + ["%s, process %d" % (s.name, p.pid) for s, p, _ in running]))
        self.file.flush()


def _start(step, folder, lock, threads):
    command = [str(threads) if part == THREADS else part for part in step.command]
    with open(_log(folder, step), "a") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                                   pass_fds=(lock.file.fileno(),), env={**os.environ, "OMP_NUM_THREADS": str(threads)})
    return step, process, time.monotonic()


def _end(running):
    for _, process, _ in running:
        try:
            os.killpg(process.pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
    for _, process, _ in running:
        process.wait()


def run(steps, folder, jobs=1, threads=1):
    """Runs what is not finished, at most `jobs` steps at a time with `threads` threads each. Returns 0, 1 if a step failed, or 128 + the signal that ended it."""
    os.makedirs(folder, exist_ok=True)
    lock, asked = Lock(folder), []
    before = {s: signal.signal(s, lambda number, _: asked.append(number)) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        return _run(steps, folder, jobs, threads, lock, asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        lock.file.close()


def _run(steps, folder, jobs, threads, lock, asked):
    done, running, beat = finished(steps, folder), [], time.monotonic()
    for step in steps:
        if step.name not in done and os.path.exists(_marker(folder, step)):
            os.remove(_marker(folder, step))  # else a run that is killed now would leave a stale result that looks finished
    while len(done) < len(steps) or running:
        busy = {s.name for s, _, _ in running}
        for step in steps:
            if len(running) < jobs and step.name not in done | busy and done.issuperset(step.after) and not asked:
                running.append(_start(step, folder, lock, threads))
                busy.add(step.name)
                lock.write(running)
                say(f"{step.name}: {step.what} (about {step.minutes:.0f} min; {_log(folder, step)})")
        time.sleep(0.1)
        if asked:
            say("asked to end: the steps save and leave; the same command continues")
            _end(running)
            return 128 + asked[0]
        for entry in list(running):
            step, process, start = entry
            status = process.poll()
            if status is None:
                continue
            running.remove(entry)
            lock.write(running)
            if status != 0:
                say(f"{step.name} ended with status {status}:")
                print("\n".join(_last_lines(_log(folder, step), 20)), flush=True)
                _end(running)
                return 1
            _mark(folder, step)
            done.add(step.name)
            say(f"{step.name}: done after {(time.monotonic() - start) / 60:.1f} min")
        if time.monotonic() - beat > HEARTBEAT:
            beat = time.monotonic()
            for step, _, _ in running:
                said = _last_lines(_log(folder, step), 1)
                say(f"{step.name}: {said[0] if said else 'at work'}")
    return 0
