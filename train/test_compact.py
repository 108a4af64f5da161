"""The list of steps, and, where the `likeness` program is given, all of them in miniature, killed on the way."""
import argparse
import json
import os
import signal
import subprocess
import tempfile
import unittest

import compact
import safetensors_io
import test_support


PORTRAITS = os.path.dirname(os.path.abspath(__file__))  # any folder: only the number of its files counts here


def recipe(**options):
    values = {"client": "/bin/likeness", "out": "/o", "portraits": None, "minutes": compact.recipe_minutes(), "seed": 0, "bf16": False, **options}
    return compact.Recipe(argparse.Namespace(**values))


def option(step, name):
    return step.command[step.command.index(name) + 1]


class RecipeTest(unittest.TestCase):
    def test_steps_come_after_what_they_need(self):
        for portraits in (None, PORTRAITS):
            seen = set()
            for step in recipe(portraits=portraits).steps():
                self.assertTrue(seen.issuperset(step.after), step.name)
                self.assertNotIn(step.name, seen)
                seen.add(step.name)

    def test_every_file_that_a_step_reads_was_written_by_one_it_waits_for(self):
        writers = {"renders": "render-renders", "glasses": "render-glasses", "held": "render-held", "held512": "render-held512", "g": "g", "f": "f",
                   "adapt": "adapt", "blend": "blend", "aligned": "align", "statistics.safetensors": "statistics", "encoder": "encoder"}
        steps = {s.name: s for s in recipe(portraits=PORTRAITS).steps()}
        for step in steps.values():
            before, todo = set(), [step.name]
            while todo:
                name = todo.pop()
                before.add(name)
                todo += steps[name].after
            for part in step.command:
                if part.startswith("/o/work/"):
                    self.assertIn(writers[part.split("/")[3]], before, (step.name, part))

    def test_renders_only_has_no_photograph_in_it(self):
        steps = {s.name: s for s in recipe(portraits=PORTRAITS).steps()}
        for name in ("companions-renders-only", "export-renders-only"):
            self.assertFalse([p for p in steps[name].command if "aligned" in p or "statistics" in p or "adapt" in p or "blend" in p], name)
        self.assertEqual(option(steps["export-renders-only"], "--f"), "/o/work/f/f.pt")
        self.assertEqual(option(steps["export"], "--f"), "/o/work/blend/f.pt")
        without = [p for s in recipe().steps() for p in s.command]
        self.assertFalse([p for p in without if "photos" in p or "aligned" in p])

    def test_minutes_scale_counts_and_trainings(self):
        whole, half = ({s.name: s for s in recipe(minutes=share * compact.recipe_minutes()).steps()} for share in (1, 0.5))
        self.assertEqual(int(option(half["render-renders"], "-n")), compact.RENDERS["renders"][0] // 2)
        for name in ("g", "f"):
            self.assertAlmostEqual(float(option(half[name], "--minutes")), 0.5 * float(option(whole[name], "--minutes")), places=2)
        tiny = {s.name: s for s in recipe(minutes=1e-3).steps()}
        self.assertEqual(int(option(tiny["render-held"], "-n")), compact.RENDERS["held"][1])

    def test_another_seed_leaves_the_held_out_renders(self):
        one, other = ({s.name: s for s in recipe(seed=seed).steps()} for seed in (0, 5))
        for name in ("render-held", "render-held512"):
            self.assertEqual(one[name].command, other[name].command)
        for name in ("render-renders", "g", "f"):
            self.assertEqual(int(option(other[name], "--seed")), int(option(one[name], "--seed")) + 5)


@unittest.skipUnless("LIKENESS_PROGRAM" in os.environ, "LIKENESS_PROGRAM names no program")
class MiniatureTest(unittest.TestCase):
    def test_the_whole_way_killed_in_between(self):
        program = os.environ["LIKENESS_PROGRAM"]
        with tempfile.TemporaryDirectory() as out:
            command = test_support.script("compact.py", "--client", program, "--out", out, "--minutes", 0.1, "--jobs", 1, "--threads", 1, "--no-bf16")
            self.assertEqual(test_support.interrupted(command, " g: generator"), 128 + signal.SIGTERM)
            again = test_support.run("compact.py", *command[2:])
            self.assertNotIn("render-renders: ", again)  # it was done
            model = os.path.join(out, "model")
            for name in ("generator", "extractor", "companions"):
                shown = subprocess.run([program, "inspect", os.path.join(model, name + ".safetensors"), "--json"], check=True, stdout=subprocess.PIPE)
                metadata = json.loads(shown.stdout)["metadata"]
                for key in ("schema", "data", "recipe", "hours", "figures", "licence"):
                    self.assertTrue(metadata[key], (name, key))
            tensors, _ = safetensors_io.load(os.path.join(model, "generator.safetensors"))
            self.assertIn("deconv7.weight", tensors)
            with open(os.path.join(model, "manifest.json")) as file:
                self.assertEqual(set(json.load(file)["files"]), {"scene.json", *(n + ".safetensors" for n in ("generator", "extractor", "companions"))})
            work = os.path.join(out, "work")
            for name in ("g/g.log", "f/f.log"):
                self.assertGreater(os.path.getsize(os.path.join(work, name)), 0)
            for kind in "gf":
                self.assertTrue([n for n in os.listdir(os.path.join(work, kind)) if n.endswith(".png")], kind)


if __name__ == "__main__":
    unittest.main()
