"""train_g.py as a program on a small cache: repeatable, grown, resumed after an interruption, in two processes."""
import os
import signal
import subprocess
import tempfile
import unittest

import torch

import test_support


class TrainGeneratorTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.cache = test_support.write_cache(os.path.join(cls.folder.name, "cache"), 72, 32).directory

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def options(self, work, images):
        return ("--cache", self.cache, "--work", os.path.join(self.folder.name, work), "--channels", "12,8,8,3", "--stages", "16:0.5,32:1",
                "--batch", 8, "--every", 2, "--images", images)

    def checkpoint(self, work):
        return torch.load(os.path.join(self.folder.name, work, "g.pt"))

    def test_the_same_seed_gives_the_same_network(self):
        for work in ("a", "b"):
            test_support.run("train_g.py", *self.options(work, 64))
        one, other = self.checkpoint("a"), self.checkpoint("b")
        self.assertEqual((one["images"], one["depth"]), (64, 4))
        for name, value in one["average"].items():
            self.assertTrue(torch.equal(value, other["average"][name]), name)
        files = os.listdir(os.path.join(self.folder.name, "a"))
        self.assertIn("g.log", files)
        self.assertIn("g_000004.png", files)

    def test_an_interrupted_training_saves_says_so_and_continues(self):
        command = test_support.script("train_g.py", *self.options("c", 10_000_000))
        self.assertEqual(test_support.interrupted(command, "step 4 "), 128 + signal.SIGTERM)
        images = self.checkpoint("c")["images"]
        self.assertGreaterEqual(images, 32)
        test_support.run("train_g.py", *self.options("c", images + 16))
        self.assertEqual(self.checkpoint("c")["images"], images + 16)

    def test_two_processes_count_both_batches(self):
        test_support.run("train_g.py", *self.options("d", 96), processes=2)
        state = self.checkpoint("d")
        self.assertEqual((state["images"], state["steps"], state["processes"], state["depth"]), (96, 6, 2, 4))
        test_support.run("train_g.py", *self.options("e", 16), "--start", os.path.join(self.folder.name, "d", "g.pt"))
        self.assertEqual([e["images"] for e in self.checkpoint("e")["earlier"]], [96])

    def test_a_stage_larger_than_its_renders_is_refused(self):
        command = test_support.script("train_g.py", *self.options("f", 16), "--stages", "32:0.5,64:1", "--channels", "12,8,8,8,3")
        refused = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("stage 64 needs renders of that size", refused.stderr)


if __name__ == "__main__":
    unittest.main()
