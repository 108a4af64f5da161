"""What photographs show of eye colours: the map and the noise are found again, and colours are named by them."""
import contextlib
import io
import os
import sys
import tempfile
import unittest
from unittest import mock

import numpy as np

import fit_irises

DRAWN = np.float64([[-2, 0.5, 0.5], [-1.2, 0.4, 0.6], [-1.2, -0.8, 0.8], [-0.5, -0.1, 0], [-1.4, -0.9, -0.4]])
MATRIX, OFFSET = np.float64([[0.5, -0.3, 0], [0, 0.3, 0.1], [0.1, 0, 0.25]]), np.float64([-1, 0.1, 0])
NAMES = ["brown", "hazel", "green", "grey", "blue"]


class FitIrisesTest(unittest.TestCase):
    def setUp(self):
        random = np.random.default_rng(3)
        self.colours = np.arange(500) % 5
        self.noise = np.float64([[0.1, 0, 0], [0.03, 0.05, 0], [0, 0.01, 0.02]])
        self.portraits = DRAWN[self.colours] @ MATRIX.T + OFFSET + random.normal(0, 1, (500, 3)) @ self.noise.T

    def test_the_map_and_the_noise_are_found(self):
        with mock.patch.object(fit_irises, "STRENGTH", 1e-6):
            matrix, offset, whitening = fit_irises.fit(self.portraits, self.colours, DRAWN)
        self.assertLess(np.abs(matrix - MATRIX).max(), 0.05)
        self.assertLess(np.abs(offset - OFFSET).max(), 0.1)
        self.assertEqual(np.abs(np.triu(whitening, 1)).max(), 0)
        self.assertLess(np.abs(whitening @ self.noise @ self.noise.T @ whitening.T - np.eye(3)).max(), 0.2)

    def test_portraits_are_named_by_others(self):
        self.assertGreater(np.mean(fit_irises.named_right(self.portraits, self.colours, DRAWN) == self.colours), 0.85)
        shuffled = np.random.default_rng(4).permutation(self.colours)
        self.assertLess(np.mean(fit_irises.named_right(self.portraits, shuffled, DRAWN) == shuffled), 0.35)

    def run_main(self, people):
        with tempfile.TemporaryDirectory() as folder:
            irises, table = os.path.join(folder, "irises.csv"), os.path.join(folder, "people.csv")
            with open(irises, "w") as file:
                rows = [("photo", f"p{i}", p) for i, p in enumerate(self.portraits)] + [("option", n, d) for n, d in zip(NAMES, DRAWN)]
                file.write("\n".join(["kind,name,light,red_green,green_blue", *(",".join([k, n, *map(str, v)]) for k, n, v in rows)]))
            with open(table, "w") as file:
                file.write("name,eyes\n" + people)
            out = io.StringIO()
            with contextlib.redirect_stdout(out), mock.patch.object(sys, "argv", ["", "--irises", irises, "--people", table]):
                fit_irises.main()
            return out.getvalue()

    def test_tables(self):
        seen = "".join(f"p{i},{NAMES[c]}\n" for i, c in enumerate(self.colours[:200]))
        text = self.run_main(seen + "p300,\nunseen,brown\n")  # not to be told, and not among the irises
        self.assertIn("200 portraits", text)
        self.assertEqual([line[0] for line in text.splitlines()[:3]], ["M", "b", "W"])
        for bad in (seen + "p300,red\n", seen.replace("green", "")):
            with self.assertRaises(SystemExit):
                self.run_main(bad)


if __name__ == "__main__":
    unittest.main()
