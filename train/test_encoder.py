"""The first guess: what goes in, what comes out, and that its training data keep their geometry."""
import json
import os
import tempfile
import unittest

import numpy as np
import torch

import encoder
import train_encoder


class EncoderTest(unittest.TestCase):
    def setUp(self):
        self.random = np.random.default_rng(3)

    def columns(self, count):
        draw = lambda *shape: self.random.normal(0, 1, (count, *shape))
        return encoder.columns(draw(3, 4, 4), draw(encoder.POINTS), draw(encoder.COLOURS))

    def test_columns_hold_everything_once_and_the_products(self):
        maps, points, colours = np.arange(48.0).reshape(1, 3, 4, 4), np.full((1, 136), 7.0), np.arange(1.0, 13)[None]
        z = encoder.columns(maps, points, colours)[0]
        self.assertEqual(len(z), 48 + 136 + 12 + 78)
        self.assertEqual(list(z[:48]), list(range(48)))
        self.assertEqual(list(z[-78:-75]), [1, 2, 3])
        self.assertEqual(z[-1], 144)

    def test_ridge_finds_the_map_and_holds_back_with_few_rows(self):
        z = self.columns(3000)
        truth = self.random.normal(0, 0.1, (5, z.shape[1]))
        y = z @ truth.T + 0.3
        weight, bias = encoder.Ridge(z, y).solve(1e-6)
        self.assertLess(np.abs(weight - truth).max(), 1e-3)
        self.assertLess(np.abs(bias - 0.3).max(), 1e-3)
        few = encoder.Ridge(z[:60], y[:60])
        self.assertLess(np.abs(few.solve(10.0)[0]).sum(), 0.9 * np.abs(few.solve(0.1)[0]).sum())

    def test_counts_are_repeated_rows(self):
        z, y = self.columns(40), self.random.normal(0, 1, (40, 2))
        counts = self.random.integers(1, 4, 40)
        repeated_rows = encoder.Ridge(z.repeat(counts, 0), y.repeat(counts, 0))
        for counted, repeated in zip(encoder.Ridge(z, y, counts).solve(2.0), repeated_rows.solve(2.0)):
            self.assertLess(np.abs(counted - repeated).max(), 1e-9)

    def test_vectors_are_valid_and_valid_ones_stay(self):
        groups = [(1, 4), (5, 7)]
        x = encoder.vector(self.random.normal(0.5, 1, (50, 8)), groups)
        self.assertTrue(((x >= 0) & (x <= 1)).all())
        for begin, end in groups:
            self.assertLess(np.abs(x[:, begin:end].sum(1) - 1).max(), 1e-9)
        self.assertLess(np.abs(encoder.vector(x, groups) - x).max(), 1e-9)
        self.assertTrue(np.allclose(encoder.vector(np.array([[0.9, 0.5, -1.0]]), [(0, 3)]), [[0.7, 0.3, 0]]))

    def test_pooled_stages(self):
        shallow, deep = torch.rand(1, 2, 16, 16), torch.rand(1, 3, 8, 8)
        maps = encoder.pooled([torch.rand(1, 9, 32, 32), shallow, deep])
        self.assertEqual(maps.shape, (1, 5, 4, 4))
        self.assertAlmostEqual(float(maps[0, 1, 2, 3]), float(shallow[0, 1, 8:12, 12:16].mean()), places=6)
        self.assertAlmostEqual(float(maps[0, 4, 0, 1]), float(deep[0, 2, 0:2, 2:4].mean()), places=6)


class DataTest(unittest.TestCase):
    def test_a_store_continues_and_forgets_another_extractor(self):
        with tempfile.TemporaryDirectory() as folder:
            train_encoder.Store(folder, "a", 4, 1).put(np.ones((3, 1, 4, 4)), np.ones((3, 16)))
            again = train_encoder.Store(folder, "a", 6, 1)  # a larger one keeps what it has
            self.assertEqual((again.stored, float(again.maps[2].sum()), len(again.maps)), (3, 16.0, 6))
            self.assertEqual(train_encoder.Store(folder, "a", 2, 1).stored, 2)
            self.assertEqual(train_encoder.Store(folder, "b", 4, 1).stored, 0)

    def test_augmentation_leaves_the_face_in_its_place(self):
        torch.manual_seed(1)
        rgb, labels = torch.full((2, 64, 64, 3), 20, dtype=torch.uint8), torch.zeros(2, 64, 64, dtype=torch.uint8)
        rgb[:, 20:44, 8:28] = torch.tensor([230, 200, 180], dtype=torch.uint8)  # left of the middle: a mirror image would show
        labels[:, 20:44, 8:28] = 1
        landmarks = torch.rand(2, 68, 2) * 10 + 20
        picture = train_encoder.augmented(rgb, labels, landmarks, torch.full((64, 3), 20, dtype=torch.uint8), lambda n, s: torch.zeros(n, 3, s, s))
        for p in picture:
            self.assertGreater(float(p[:, 30:40, 12:24].mean()), float(p[:, 2:10, 40:52].mean()) + 0.2)

    def test_colours_of_seen_regions(self):
        rgb, labels = np.zeros((1, 64, 64, 3), np.uint8), np.zeros((1, 64, 64), np.uint8)
        labels[0, :32], rgb[0, :32] = 1, 102
        colours = train_encoder.region_colours(rgb, labels)[0]
        self.assertTrue(np.allclose(colours[:3], 0.4))
        self.assertEqual(list(colours[12:]), [1, 0, 0, 0])

    def test_figures_count_choices_and_errors(self):
        with tempfile.TemporaryDirectory() as folder:
            scene = os.path.join(folder, "scene.json")
            with open(scene, "w") as file:
                json.dump({"parameters": [{"name": "a", "type": "continuous", "min": -1, "default": 0, "max": 3}, {"name": "hat", "type": "choice", "options": ["x", "y"]}]}, file)
            x, truth = np.array([[0.5, 0.9, 0.1], [0.7, 0.2, 0.8]]), np.array([[0.6, 1, 0], [0.9, 1, 0]])
            self.assertEqual(train_encoder.figures(x, truth, scene), {"error": 0.15, "error_of_average": 0.5, "hat_right": 0.5})


if __name__ == "__main__":
    unittest.main()
