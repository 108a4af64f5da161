"""Training pictures of landmarks: what is drawn at a landmark stays under it; the teacher reads its heat maps back."""
import json
import os
import tempfile
import unittest

import numpy as np
import torch
from PIL import Image

import landmark_data as data
import landmark_teacher as teacher


def face(random, size=256):
    """Landmarks [68, 2] roughly like a face, in a picture of that size."""
    angle = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    points = size * (0.5 + 0.12 * np.stack([np.cos(angle), np.sin(angle)], 1)) + random.normal(0, 1, (68, 2))
    points[36:42] += size * (np.array([0.39, 0.45]) - points[36:42].mean(0) / size)
    points[42:48] += size * (np.array([0.61, 0.45]) - points[42:48].mean(0) / size)
    return points


class LandmarkDataTest(unittest.TestCase):
    def setUp(self):
        self.random = np.random.default_rng(5)

    def test_mirrored(self):
        self.assertEqual(sorted(data.MIRRORED), list(range(68)))
        np.testing.assert_array_equal(data.MIRRORED[data.MIRRORED], np.arange(68))
        # Chin, nose and the middles of the lips lie in the plane of symmetry.
        self.assertEqual([int(i) for i in np.flatnonzero(data.MIRRORED == np.arange(68))], [8, 27, 28, 29, 30, 33, 51, 57, 62, 66])

    def test_crop_follows_the_map(self):
        for _ in range(20):
            points = face(self.random)
            y, x = np.mgrid[0:256, 0:256] + 0.5
            target = points[30]
            picture = np.float32(np.exp(-((x - target[0]) ** 2 + (y - target[1]) ** 2) / 30))
            forward = data.random_map(points, self.random, turn=20, stretch=0.05)
            cut = data.crop(picture, forward)
            peak = np.array(np.unravel_index(cut.argmax(), cut.shape))[::-1] + 0.5
            self.assertLess(np.abs(peak - forward[:, :2] @ target - forward[:, 2]).max(), 1.6)

    def test_crop_repeats_the_edge(self):
        cut = data.crop(np.full((100, 80), 0.25, np.float32), np.array([[0.5, 0, 100.0], [0, 0.5, 100.0]]))
        np.testing.assert_allclose(cut, 0.25, atol=1e-3)

    def test_box_follows_the_inner_landmarks(self):
        points = face(self.random)
        middle, width = data.box_of(points)
        spread = np.sqrt(((points[17:] - points[17:].mean(0)) ** 2).sum(1).mean())
        self.assertAlmostEqual(width, spread * data.BOX_WIDTH)
        np.testing.assert_allclose(middle, points[17:].mean(0) + spread * data.BOX_MIDDLE)

    def test_sample_mirrors_points_with_the_picture(self):
        points = face(self.random)
        points[36:42, 0] -= 20  # so that the sides differ
        for _ in range(10):
            _, found = data.sample(np.full((256, 256), 0.5, np.float32), points, self.random, 5, 0.03)
            self.assertLess(found[36:42, 0].mean(), found[42:48, 0].mean())  # left stays left for the viewer
        points[3] = np.nan
        _, found = data.sample(np.full((256, 256), 0.5, np.float32), points, self.random, 5, 0.03, outline=face(self.random))
        self.assertEqual(int(np.isnan(found[:, 0]).sum()), 1)
        self.assertTrue(np.isnan(found[[3, 13], 0]).any())

    def test_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.samples")
            made = []

            def source(random):
                made.append((random.integers(0, 255, (data.SIZE, data.SIZE)).astype(np.uint8), np.float32(random.normal(100, 9, (68, 2)))))
                return made[-1]

            data.write(path, source, 3, seed=1)
            pictures, points = data.read(path)
            for i, (picture, shape) in enumerate(made):
                np.testing.assert_array_equal(pictures[i], picture)
                np.testing.assert_array_equal(points[i], shape)

    def test_portraits(self):
        with tempfile.TemporaryDirectory() as folder:
            points = face(self.random, 400)
            photo = np.full((500, 450, 3), 90, np.uint8)
            photo[int(points[30, 1]) - 3:int(points[30, 1]) + 4, int(points[30, 0]) - 3:int(points[30, 0]) + 4] = 255
            Image.fromarray(photo).save(os.path.join(folder, "a.png"))
            listing = os.path.join(folder, "list.json")
            known = [None if i == 40 else p for i, p in enumerate(points.tolist())]
            with open(listing, "w") as file:
                json.dump([{"file": os.path.join(folder, "a.png"), "landmarks": known, "outline": points.tolist()}], file)
            rgb, inside, outline = data.Portraits(listing).entries[0]
            self.assertTrue(np.isnan(inside[40]).all() and np.isfinite(outline).all())
            x, y = inside[30].astype(int)
            self.assertGreater(int(rgb[y, x, 0]), 180)

    def test_heat_maps(self):
        points = torch.from_numpy(self.random.uniform(40, 200, (3, 68, 2))).float()
        cells = (points + (teacher.INPUT - data.SIZE) / 2) * (teacher.CELLS / teacher.INPUT)
        axis = torch.arange(teacher.CELLS) + 0.5
        logits = -((axis - cells[..., 0, None, None]) ** 2 + (axis[:, None] - cells[..., 1, None, None]) ** 2) / 2
        self.assertLess(float((teacher.points_of(logits)[0] - points).abs().max()), 0.2)
        wrong = teacher.loss_of(logits, points + 8)
        self.assertLess(float(teacher.loss_of(logits, points)), float(wrong))


if __name__ == "__main__":
    unittest.main()
