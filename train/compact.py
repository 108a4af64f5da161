"""From renders to a model folder on a CPU: everything that ships with the built-in head, in one command that can be interrupted.

    make train-compact [OUT=DIR] [PORTRAITS=DIR] [MINUTES=N] [JOBS=N]
    python3 train/compact.py --client build/release/cli/likeness --out DIR [--portraits DIR] [--minutes N] [--jobs N]

DIR/model is the result (with portraits: f adapted to photographs) and DIR/renders-only the same without the adaptation; DIR/work holds
renders, checkpoints, logs (NAME.txt, g.log, f.log) and sample pictures. `--minutes` scales the whole recipe, counts of pictures and lengths of
trainings alike; it is the time that all steps take on one core. The steps and their reasons: docs/training.md.
"""
import argparse
import importlib.util
import os
import shutil
import sys

import pipeline
from pipeline import THREADS, Step

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HEAD = os.path.join(ROOT, "weights", "models", "makehuman-head")

# The whole recipe: renders, and minutes of training on one core.
RENDERS = {  # name: (pictures, fewest of them, side, seed, further options)
    "renders": (20000, 640, 256, 1, []),
    "glasses": (4000, 64, 256, 3, ["--glasses", "1"]),
    "held": (1000, 32, 256, 991, []),
    "held512": (1000, 16, 512, 991, []),
}
TRAINING = {"g": 150.0, "f": 60.0, "adapt": 25.0}
# The generator draws on renders made meanwhile, none twice; at 512x512 the finest layers see a window, which costs a fraction.
GENERATOR = ["--stages", "128:0.25,256:0.6,512:1", "--window", "24"]
ADAPTATION = ["--stages", "256:1", "--rate", "8e-4"]
ADAPTED_SHARE = 0.5  # of the adapted weights in what is exported
RENDERS_A_SECOND = {256: 50.0, 512: 20.0}  # of one core
ALIGNED_A_SECOND = 5.0
OTHER_MINUTES = {"statistics": 1.0, "companions": 1.0, "export": 5.0, "encoder": 6.0}
ENCODER_RENDERS = 10000


def recipe_minutes():
    """Of one core: what --minutes is compared with."""
    return sum(n / RENDERS_A_SECOND[size] / 60 for n, _, size, _, _ in RENDERS.values()) + sum(TRAINING.values())


class Recipe:
    """The steps for one set of options; paths are absolute, so that the steps may run anywhere."""

    def __init__(self, a):
        self.out, self.client, self.seed = os.path.abspath(a.out), os.path.abspath(a.client), a.seed
        self.portraits = os.path.abspath(a.portraits) if a.portraits else None
        self.scale = a.minutes / recipe_minutes()
        self.work = os.path.join(self.out, "work")
        self.bf16 = ["--bf16"] if a.bf16 else []

    def path(self, *parts):
        return os.path.join(self.work, *parts)

    def step(self, name, what, command, after, minutes):
        """command: a script of train/ and its arguments, or a program's absolute path."""
        program = [command[0]] if os.path.isabs(command[0]) else [sys.executable, os.path.join(ROOT, "train", command[0])]
        return Step(name, what, [str(part) for part in [*program, *command[1:]]], tuple(after), minutes)

    def other(self, name):
        return OTHER_MINUTES[name] * min(1.0, 0.1 + self.scale)

    def portrait_minutes(self):
        return len(os.listdir(self.portraits)) / ALIGNED_A_SECOND / 60

    def render(self, name):
        count, fewest, size, seed, more = RENDERS[name]
        count = max(fewest, round(count * self.scale))
        command = ["scene_stream.py", "--client", self.client, "--cache", self.path(name), "-n", count, "--size", size,
                   "--seed", seed if name.startswith("held") else seed + self.seed, "--threads", THREADS, "--", "--model", HEAD, *more]
        return self.step(f"render-{name}", f"{count} renders of {size}x{size}", command, (), count / RENDERS_A_SECOND[size] / 60)

    def training(self, name, kind, what, after, *options):
        minutes = TRAINING[name] * self.scale
        command = [f"train_{kind}.py", "--work", self.path(name), "--minutes", round(minutes, 3), "--threads", THREADS, *options, *self.bf16]
        return self.step(name, what, command, after, minutes)

    def generator(self):
        return [self.training("g", "g", "generator, from 128 to 512 pixels", ("render-renders", "render-held512"), "--client", self.client,
                              "--cache", self.path("renders"), "--held-out", self.path("held512"), "--seed", 7 + self.seed, *GENERATOR)]

    def extractor(self):
        """Renders alone; then, where there are portraits, half of each batch are those with pseudo labels."""
        caches = ["--cache", self.path("glasses"), self.path("renders"), "--held-out", self.path("held"), "--seed", 11 + self.seed]
        backgrounds = ["--photos", self.portraits] if self.portraits else []
        steps = [self.training("f", "f", "extractor, on renders alone", ("render-renders", "render-glasses", "render-held"), *caches, *backgrounds)]
        if self.portraits:
            align = [self.client, "align", self.portraits, "-o", self.path("aligned"), "--landmarks", "--model", HEAD, "--threads", THREADS]
            steps += [self.step("align", "the portraits, and their landmarks", align, (), self.portrait_minutes()),
                      self.training("adapt", "f", "extractor, adapted to photographs", ("f", "align"), *caches, *backgrounds,
                                    "--start", self.path("f", "f.pt"), "--photos-aligned", self.path("aligned"), *ADAPTATION),
                      self.step("blend", "extractor, between before and after", ["blend_f.py", "--before", self.path("f", "f.pt"), "--after", self.path("adapt", "f.pt"),
                                                                                 "--share", ADAPTED_SHARE, "--out", self.path("blend", "f.pt")], ("f", "adapt"), 0.1)]
        return steps

    def model(self, folder, extractor, photographs):
        """Companions, statistics, export with manifest into OUT/FOLDER."""
        target, suffix = os.path.join(self.out, folder), "" if folder == "model" else "-" + folder
        aligned = ["--photos-aligned", self.path("aligned")] if photographs else []
        checkpoint, statistics = self.path(extractor, "f.pt"), self.path("statistics.safetensors")
        steps = [self.step("companions" + suffix, "landmarks and colours straight from the sliders",
                           ["companions.py", "--model", target, "--cache", self.path("renders"), *aligned],
                           ["render-renders", *(["align"] if photographs else [])], self.other("companions"))]
        if photographs:
            steps.append(self.step("statistics", "features of photographs and of renders",
                                   ["feature_statistics.py", "--f", checkpoint, *aligned, "--cache", self.path("renders"), "--out", statistics, "--threads", THREADS],
                                   [extractor], self.other("statistics")))
        export = ["export.py", "--model", target, "--g", self.path("g", "g.pt"), "--f", checkpoint, "--cache", self.path("renders"),
                  "--held-out", self.path("held"), "--held-out512", self.path("held512"), "--count", 1000, "--threads", THREADS,
                  *(["--statistics", statistics] if photographs else [])]
        after = ["g", extractor, "render-held512", *(s.name for s in steps)]
        steps.append(self.step("export" + suffix, f"the model files, with figures, into {target}", export, after, self.other("export")))
        if photographs:  # it reads features by the statistics of both kinds of pictures, from the exported extractor
            encoder = ["train_encoder.py", "--model", target, "--cache", self.path("renders"), "--held-out", self.path("held"), "--work", self.path("encoder"),
                       "--count", max(300, round(ENCODER_RENDERS * self.scale)), "--held-count", 32 if self.scale < 0.1 else 500, "--threads", THREADS, *self.bf16]
            steps.append(self.step("encoder", "the first guess of a fit", encoder, ["export" + suffix], self.other("encoder")))
        return steps

    def folders(self):
        """Model folders of the result; the fewest photographs first."""
        return ["renders-only", "model"] if self.portraits else ["model"]

    def steps(self):
        """In the order in which they start where one runs at a time."""
        steps = [self.render(name) for name in RENDERS] + self.generator() + self.extractor()
        if self.portraits:
            return steps + self.model("renders-only", "f", False) + self.model("model", "blend", True)
        return steps + self.model("model", "f", False)


def check_environment(a):
    missing = [package for module, package in (("torch", "python3-torch"), ("numpy", "python3-numpy"), ("PIL", "python3-pil"))
               if importlib.util.find_spec(module) is None]
    if missing:
        raise SystemExit(f"{sys.executable} lacks what training needs: apt-get install {' '.join(missing)} (or PYTHON=one that has it)")
    if not os.access(a.client, os.X_OK):
        raise SystemExit(f"there is no program {a.client}: `make train-compact` builds it")
    if not os.path.exists(os.path.join(HEAD, "head.asset")):
        raise SystemExit(f"{HEAD}/head.asset is missing: the build packs it (make)")
    if a.portraits and not os.path.isdir(a.portraits):
        raise SystemExit(f"{a.portraits} is no folder")


def fast_bf16():
    """Whether the CPU multiplies bfloat16 in hardware."""
    try:
        with open("/proc/cpuinfo") as file:
            flags = file.read()
        return "avx512_bf16" in flags or "amx_bf16" in flags
    except OSError:
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--client", required=True, help="the `likeness` program")
    parser.add_argument("--out", required=True, help="folder for everything; about 8 GB for the whole recipe")
    parser.add_argument("--portraits", help="folder of portraits without labels, for the adaptation to photographs")
    parser.add_argument("--minutes", type=float, default=recipe_minutes(), help="of one core, for all (default: %(default).0f)")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="steps at a time (default: %(default)s)")
    parser.add_argument("--threads", type=int, help="of each step (default: cores / jobs)")
    parser.add_argument("--seed", type=int, default=0, help="added to every seed of the recipe but the held-out renders'")
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=fast_bf16(), help="compute in bfloat16 (default: where the CPU is fast at it)")
    parser.add_argument("--plan", action="store_true", help="print the steps and leave")
    a = parser.parse_args()
    if a.minutes <= 0 or a.jobs < 1:
        parser.error("--minutes and --jobs must be positive")
    check_environment(a)
    recipe, threads = Recipe(a), a.threads or max(1, (os.cpu_count() or 1) // a.jobs)
    steps = recipe.steps()
    done = pipeline.finished(steps, recipe.work)
    for step in steps:
        print(f"  {step.name:24} {'done' if step.name in done else f'{step.minutes:6.1f} min':>10}   {step.what}")
        if a.plan:
            print(f"      {' '.join(step.command)}")
    left = sum(s.minutes for s in steps if s.name not in done)
    print(f"  about {left:.0f} core minutes left, {a.jobs} step(s) at a time with {threads} thread(s) each", flush=True)
    if a.plan:
        return 0
    for folder in recipe.folders():
        target = os.path.join(recipe.out, folder)
        os.makedirs(target, exist_ok=True)
        for name in ("scene.json", "head.asset"):
            shutil.copyfile(os.path.join(HEAD, name), os.path.join(target, name))
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # threads that wait must not hold up the step beside them
    status = pipeline.run(steps, recipe.work, a.jobs, threads)
    if status == 0:
        model = os.path.join(recipe.out, recipe.folders()[-1])
        print(f"try it:      {a.client} fit PHOTO -o DIR --model {model}")
        print(f"look at it:  {a.client} inspect {model}/generator.safetensors (and the others); {recipe.work}/g/*.png, f/*.png")
        print(f"install it:  rm -f {HEAD}/encoder.safetensors; cp {model}/*.safetensors {HEAD}/; {sys.executable} {ROOT}/train/export.py --model {HEAD}")
    return status


if __name__ == "__main__":
    sys.exit(main())
