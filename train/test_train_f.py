"""train_f.py as a program on a small cache: repeatable, resumed after an interruption, in two processes."""
import os
import signal
import tempfile
import unittest

import torch

import test_support


class TrainExtractorTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.cache = test_support.write_cache(os.path.join(cls.folder.name, "cache"), 24, 64).directory

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def options(self, work, images):
        return ("--cache", self.cache, "--held-out", self.cache, "--work", os.path.join(self.folder.name, work), "--stages", "64:1", "--batch", 4,
                "--every", 2, "--images", images)

    def checkpoint(self, work):
        return torch.load(os.path.join(self.folder.name, work, "f.pt"))

    def test_the_same_seed_gives_the_same_network(self):
        for work in ("a", "b"):
            test_support.run("train_f.py", *self.options(work, 32))
        one, other = self.checkpoint("a"), self.checkpoint("b")
        self.assertEqual(one["images"], 32)
        for name, value in one["average"].items():
            self.assertTrue(torch.equal(value, other["average"][name]), name)
        files = os.listdir(os.path.join(self.folder.name, "a"))
        self.assertIn("f.log", files)
        self.assertIn("f_000002.png", files)  # twice eight pictures a step at 64

    def test_an_interrupted_training_saves_says_so_and_continues(self):
        command = test_support.script("train_f.py", *self.options("c", 1_000_000))
        self.assertEqual(test_support.interrupted(command, "step 4 "), 128 + signal.SIGTERM)
        images = self.checkpoint("c")["images"]
        self.assertGreaterEqual(images, 32)
        test_support.run("train_f.py", *self.options("c", images + 16))
        self.assertEqual(self.checkpoint("c")["images"], images + 16)

    def test_a_training_remembers_what_it_started_from(self):
        test_support.run("train_f.py", *self.options("d", 8))
        test_support.run("train_f.py", *self.options("e", 8), "--start", os.path.join(self.folder.name, "d", "f.pt"))
        test_support.run("train_f.py", *self.options("e", 16), "--start", os.path.join(self.folder.name, "d", "f.pt"))  # resumed
        self.assertEqual([e["images"] for e in self.checkpoint("e")["earlier"]], [8])

    def test_two_processes_count_both_batches(self):
        test_support.run("train_f.py", *self.options("f", 64), processes=2)
        state = self.checkpoint("f")
        self.assertEqual((state["images"], state["steps"], state["processes"]), (64, 4, 2))


if __name__ == "__main__":
    unittest.main()
