"""Augmentation keeps pictures and labels together."""
import unittest

import numpy as np
import torch

import augment


class AugmentTest(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(4)

    def test_backdrop_is_the_common_colour_of_each_row(self):
        random = np.random.default_rng(0)
        rgb = random.integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
        rows = np.stack([np.arange(32), np.arange(32) + 50, np.full(32, 9)], 1).astype(np.uint8)
        rgb[:, :, :8] = rows[None, :, None]
        self.assertTrue((augment.backdrop_rows(rgb) == rows).all())

    def test_mirror_swaps_left_and_right_classes(self):
        rgb, labels = torch.rand(2, 3, 4, 4), torch.zeros(2, 4, 4, dtype=torch.long)
        labels[:, 1, 0], labels[:, 2, 3], labels[:, 3, 1] = 3, 6, 255
        flipped, moved = augment.mirror(rgb.clone(), labels.clone(), share=2)
        self.assertTrue(torch.equal(flipped, rgb.flip(3)))
        self.assertEqual([int(moved[0, 1, 3]), int(moved[0, 2, 0]), int(moved[0, 3, 2])], [4, 5, 255])

    def test_warp_moves_picture_and_labels_alike(self):
        labels = torch.zeros(3, 64, 64, dtype=torch.long)
        labels[:, 20:40, 24:44] = 7
        rgb = (labels == 7).float()[:, None].repeat(1, 3, 1, 1)
        picture, moved = augment.warp(rgb, labels, augment.affine_grids(3, 64, 1.0))
        seen = moved != 255
        same = ((picture[:, 0] > 0.5) == (moved == 7))[seen].float().mean()
        self.assertGreater(float(same), 0.98)
        self.assertFalse(torch.equal(moved, labels))

    def test_only_the_backdrop_is_replaced(self):
        rgb = torch.full((4, 32, 32, 3), 10, dtype=torch.uint8)
        labels = torch.zeros(4, 32, 32, dtype=torch.uint8)
        rgb[:, 8:24, 8:24], labels[:, 8:24, 8:24] = 200, 1
        landmarks = torch.full((4, 68, 2), 16.0) + torch.rand(4, 68, 2)
        backdrop = torch.full((32, 3), 10, dtype=torch.uint8)
        picture, out = augment.augment_renders(rgb, labels, landmarks, backdrop, augment.Backgrounds())
        self.assertEqual(picture.shape, (4, 3, 32, 32))
        self.assertTrue(bool(torch.isfinite(picture).all()) and float(picture.min()) >= 0 and float(picture.max()) <= 1)
        self.assertTrue(set(out.unique().tolist()) <= {0, 1, 255})
        self.assertGreater(int((out == 1).sum()), 4 * 100)


if __name__ == "__main__":
    unittest.main()
