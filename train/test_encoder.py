"""The first guess: what goes in, what comes out, and that its training data keep their geometry."""
import os
import tempfile
import unittest

import numpy as np
import torch

import encoder
import encoder_data
import fit_loss
import safetensors_io
import train_encoder


def statistics():
    random = np.random.default_rng(1)
    return {name: np.abs(random.normal(1, 0.3, 12 if name.startswith("colours") else 136)) + 0.1 for name in encoder.STATISTICS}


class EncoderTest(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(4)
        self.network = encoder.Encoder(6, 8, 9, [(2, 5), (6, 8)], statistics(), widths=(5, 7), hidden=11).eval()
        torch.nn.init.normal_(self.network.dense2.weight)
        self.inputs = torch.randn(3, 6, 8, 8), torch.randn(3, 136), torch.randn(3, 12)

    def test_groups_sum_to_one_and_the_rest_stays_inside(self):
        x = self.network(*self.inputs)
        self.assertEqual(x.shape, (3, 9))
        self.assertTrue(((x > 0) & (x < 1)).all())
        for begin, end in self.network.groups:
            self.assertLess(float((x[:, begin:end].sum(1) - 1).abs().max()), 1e-6)
        self.assertGreater(float((x[:, [0, 1, 5, 8]].sum(1) - 1).abs().max()), 0.05)

    def test_each_domain_is_centred_by_its_own_mean(self):
        mean = self.network.points_photo_mean[None]
        self.assertEqual(float(self.network.points(mean, "photo").abs().max()), 0)
        self.assertGreater(float(self.network.points(mean, "render").abs().max()), 0.01)

    def test_a_region_that_is_not_seen_says_nothing(self):
        seen = torch.tensor([[1.0, 0, 1, 1]])
        a, b = (self.network.colours(torch.full((1, 12), v), seen) for v in (0.2, 0.9))
        self.assertTrue((a[:, 3:6] == 0).all() and (b[:, 3:6] == 0).all())
        self.assertTrue((a[:, :3] != b[:, :3]).all())

    def test_stacked_maps_are_centred_like_their_parts(self):
        shallow, deep = torch.randn(2, 4, 16, 16), torch.randn(2, 2, 8, 8)
        mean, deviation = encoder.centring(shallow[0], torch.full((4,), 2.0), deep[0], torch.full((2,), 3.0))
        centred = (encoder.stacked(shallow, deep) - mean) / deviation
        self.assertLess(float(centred[0].abs().max()), 1e-6)
        expected = torch.nn.functional.avg_pool2d((shallow[1] - shallow[0]) / 2, 2)
        self.assertLess(float((centred[1, :4] - expected).abs().max()), 1e-6)

    def test_what_is_stored_computes_the_same(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "encoder.safetensors")
            safetensors_io.save(path, self.network.tensors(), {})
            tensors, _ = safetensors_io.load(path)
        self.assertEqual(tensors["dense1.weight"].dtype, np.float16)
        self.assertEqual(tensors["points.deviation"].dtype, np.float32)
        other = encoder.Encoder(6, 8, 9, [(2, 5), (6, 8)], {k: tensors[k] for k in encoder.STATISTICS}, widths=(5, 7), hidden=11).eval()
        other.load_state_dict({k: torch.from_numpy(v.astype(np.float32)) for k, v in tensors.items() if k not in encoder.STATISTICS}, strict=False)
        self.assertLess(float((other(*self.inputs) - self.network(*self.inputs)).abs().max()), 5e-3)


class DataTest(unittest.TestCase):
    def test_a_store_continues_and_forgets_another_extractor(self):
        with tempfile.TemporaryDirectory() as folder:
            first = encoder_data.Store(folder, "a", 4, (1, 2, 2))
            first.put(torch.ones(3, 1, 2, 2), np.ones((3, 16), np.float32))
            again = encoder_data.Store(folder, "a", 6, (1, 2, 2))  # a larger one keeps what it has
            self.assertEqual((again.stored, float(again.maps[2].sum()), len(again.maps)), (3, 4.0, 6))
            self.assertEqual(encoder_data.Store(folder, "b", 4, (1, 2, 2)).stored, 0)

    def test_augmentation_leaves_the_face_in_its_place(self):
        torch.manual_seed(1)
        rgb, labels = torch.full((2, 64, 64, 3), 20, dtype=torch.uint8), torch.zeros(2, 64, 64, dtype=torch.uint8)
        rgb[:, 20:44, 8:28] = torch.tensor([230, 200, 180], dtype=torch.uint8)  # left of the middle: a mirror image would show
        labels[:, 20:44, 8:28] = 1
        landmarks = torch.rand(2, 68, 2) * 10 + 20
        picture = encoder_data.augmented(rgb, labels, landmarks, torch.full((64, 3), 20, dtype=torch.uint8), lambda n, s: torch.zeros(n, 3, s, s))
        for p in picture:
            self.assertGreater(float(p[:, 30:40, 12:24].mean()), float(p[:, 2:10, 40:52].mean()) + 0.2)

    def test_colours_of_seen_regions(self):
        rgb, labels = np.zeros((1, 64, 64, 3), np.uint8), np.zeros((1, 64, 64), np.uint8)
        labels[0, :32], rgb[0, :32] = 1, 102
        colours = encoder_data.region_colours(rgb, labels)[0]
        self.assertTrue(np.allclose(colours[:3], 0.4))
        self.assertEqual(list(colours[12:]), [1, 0, 0, 0])


class LossTest(unittest.TestCase):
    def test_region_colours_of_photographs_agree_with_those_of_renders(self):
        rgb = torch.rand(1, 3, 32, 32)
        labels = torch.zeros(1, 32, 32, dtype=torch.long)
        labels[:, :12], labels[:, 12:20, :9] = 1, 2
        probabilities = torch.nn.functional.one_hot(labels, 11).permute(0, 3, 1, 2).float()
        means, weights = fit_loss.region_colours(rgb, probabilities)
        self.assertLess(float((means[0, 0] - rgb[0, :, :12].mean((1, 2))).abs().max()), 1e-6)
        self.assertEqual(list((weights[0] > 0).numpy()), [True, True, False, False])

    def test_entries_that_do_not_show_weigh_nothing(self):
        scene = train_encoder.Scene.__new__(train_encoder.Scene)
        scene.size, scene.groups = 4, [(2, 4)]
        weights = train_encoder.picture_weights(lambda x: x[:, 0] * 3 + x[:, 2], scene, torch.tensor([[0.2, 0.2, 1, 0]]))
        self.assertEqual(float(weights[1]), 0)
        self.assertEqual(float(weights[2]), float(weights[3]))
        self.assertAlmostEqual(float(weights.mean()), 1, places=6)


if __name__ == "__main__":
    unittest.main()
