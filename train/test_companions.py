"""The regressions find what made the data."""
import json
import os
import tempfile
import unittest

import numpy as np

import companions


class CompanionsTest(unittest.TestCase):
    def setUp(self):
        random = np.random.default_rng(3)
        self.x = random.uniform(0, 1, (2000, 6))
        self.truth = np.zeros((136, 6))
        self.truth[:, :3] = random.normal(0, 5, (136, 3))
        self.noise = random.normal(0, 1, (2000, 136))

    def test_landmarks(self):
        weight, bias = companions.regress_landmarks(self.x, self.x @ self.truth.T + 7 + self.noise)
        self.assertTrue((weight[:, 3:] == 0).all())  # these entries move nothing
        self.assertLess(np.abs(weight - self.truth).max(), 0.5)
        self.assertLess(np.abs(bias - 7).max(), 0.6)

    def test_colours(self):
        tone, light, hair = self.x[:, 3], self.x[:, 4], self.x[:, 5]
        base = np.stack([tone * light, tone, 1 - tone], 1)
        colours = np.concatenate([base, np.stack([hair, hair, hair * hair], 1), base, 0.5 * base], 1)
        seen = np.ones((2000, 4), bool)
        seen[::7, 1] = False
        colours[::7, 3:6] = 9  # the colour of hair that is not there must not count
        inputs, weight, errors = companions.regress_colours(self.x, colours, seen)
        self.assertEqual(list(inputs), [3, 4, 5])
        self.assertEqual(weight.shape, (12, 10))
        self.assertLess(max(errors), 1e-3)

    def test_region_means(self):
        rgb, labels = np.zeros((1, 16, 16, 3), np.uint8), np.zeros((1, 16, 16), np.uint8)
        labels[0, :8, :4], labels[0, :8, 4:8] = 1, 7
        rgb[0, :8, :4], rgb[0, :8, 4:8] = (100, 0, 0), (200, 0, 0)
        colours, contrast, shares, seen = companions.region_statistics(rgb, labels)
        self.assertAlmostEqual(colours[0, 0], 150 / 255)
        self.assertAlmostEqual(contrast[0, 0], 50 / 150, places=5)
        self.assertAlmostEqual(shares[0, 0], 0.25)
        self.assertEqual(list(seen[0]), [True, False, False, False])

    def test_patterns_are_told_from_tints(self):
        tint, beard, size = self.x[:, 0], self.x[:, 1], self.x[:, 2]
        colours = np.repeat((0.5 + 0.3 * tint - 0.02 * beard)[:, None], 12, 1)
        contrast = np.repeat((0.2 * np.exp(0.1 * tint + 0.4 * beard))[:, None], 4, 1)
        shares = np.repeat((0.1 * np.exp(0.5 * size))[:, None], 4, 1)
        patterned = companions.patterned_entries(self.x, colours, contrast, shares, np.ones((2000, 4), bool))
        self.assertEqual(list(patterned[:3]), [False, True, True])

    def test_routed_are_colours_that_move_nothing(self):
        scene = {"parameters": [{"type": "continuous", "role": "identity"}, {"type": "continuous", "role": "identity"},
                                {"type": "simplex", "role": "identity", "components": ["a", "b"]}, {"type": "continuous", "role": "nuisance"},
                                {"type": "choice", "role": "identity", "options": ["x", "y"]}]}
        weight = np.zeros((136, 7))
        weight[5, 0] = 1
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "scene.json")
            with open(path, "w") as file:
                json.dump(scene, file)
            self.assertEqual(list(companions.routed_entries(path, weight, np.arange(7), np.zeros(7, bool))), [0, 1, 1, 1, 0, 0, 0])
            self.assertEqual(list(companions.routed_entries(path, weight, np.arange(7), np.arange(7) == 1)), [0, 0, 1, 1, 0, 0, 0])
            self.assertEqual(list(companions.routed_entries(path, weight, np.array([3]), np.zeros(7, bool))), [0, 0, 1, 1, 0, 0, 0])


if __name__ == "__main__":
    unittest.main()
