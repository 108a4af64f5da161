"""The fast forms used in training equal the exported architecture."""
import contextlib
import copy
import itertools
import unittest

import torch
import torch.nn.functional as F

import models
import train_g


def reference_generator(g, state, x):
    """The exported form: PyTorch's own transposed convolutions, batch norm from the running statistics."""
    y = x[:, :, None, None]
    for i in range(len(g.channels)):
        y = F.conv_transpose2d(y, state[f"deconv{i}.weight"], state[f"deconv{i}.bias"], stride=1 if i == 0 else 2, padding=0 if i == 0 else 1)
        if f"bn{i}.weight" in state:
            y = F.batch_norm(y, state[f"bn{i}.running_mean"], state[f"bn{i}.running_var"], state[f"bn{i}.weight"], state[f"bn{i}.bias"], eps=models.BN_EPS)
        y = F.relu(y) if i + 1 < len(g.channels) else torch.sigmoid(y)
    return y


def trained(channels, inputs=7):
    torch.manual_seed(1)
    g = models.Generator(inputs, channels).double()
    for _ in range(3):
        g(torch.rand(8, inputs).double())
    return g.eval()


class UpConvTest(unittest.TestCase):
    def test_equals_transposed_convolution_with_gradients(self):
        torch.manual_seed(0)
        for height, width in ((1, 1), (4, 4), (3, 7)):
            up = models.UpConv(5, 6).double()
            x = torch.randn(2, 5, height, width).double().requires_grad_()
            up.bias.data.normal_()
            seed = torch.randn(2, 6, 2 * height, 2 * width).double()
            expected = F.conv_transpose2d(x, up.weight, up.bias, stride=2, padding=1)
            actual = up(x)
            self.assertLess(float((actual - expected).abs().max()), 1e-12)
            inputs = (x, up.weight, up.bias)
            for a, b in zip(torch.autograd.grad(actual, inputs, seed), torch.autograd.grad(expected, inputs, seed)):
                self.assertLess(float((a - b).abs().max()), 1e-11)


class WindowTest(unittest.TestCase):
    def test_the_window_of_a_right_picture_costs_nothing(self):
        g = trained([12, 10, 8, 8, 6, 6, 4, 3]).float()
        x = torch.rand(2, 7)
        picture, weight = g(x).detach(), torch.ones(2, 1, 512, 512)
        for size in (512, 256):
            target, w = F.avg_pool2d(picture, 512 // size), F.avg_pool2d(weight, 512 // size)
            for cells, seed in itertools.product((16, 24, 64), range(8)):
                step = train_g.WindowStep(g, cells, seed)
                low = torch.sigmoid(step.head(g.lower(x, step.DEPTH)))
                whole = train_g.loss_of(low, F.avg_pool2d(target, size // 64), F.avg_pool2d(w, size // 64), 0.3, 0.5)
                self.assertAlmostEqual(float(step.loss(x, target, w, 0.3, 0.5, contextlib.nullcontext())), float(whole), places=6)
                wrong = step.loss(x, target + 0.5, w, 0, 0, contextlib.nullcontext())
                self.assertGreater(float(wrong), 0.5)


class GeneratorTest(unittest.TestCase):
    def test_equals_exported_form(self):
        g, x = trained([12, 10, 8, 3]), torch.rand(3, 7).double()
        self.assertLess(float((g(x) - reference_generator(g, g.state_dict(), x)).abs().max()), 1e-12)
        self.assertEqual(g(x).shape, (3, 3, 32, 32))

    def test_widening_keeps_the_picture_and_new_channels_learn(self):
        g, x = trained([12, 10, 8, 3]), torch.rand(3, 7).double()
        wide = g.widened([14, 10, 11, 3], torch.rand(16, 7)).double()
        self.assertEqual(wide.deconv1.weight.shape, (14, 10, 4, 4))
        self.assertLess(float((wide(x) - g(x)).abs().max()), 1e-6)  # widened in single precision
        wide(x).sum().backward()
        self.assertGreater(float(wide.deconv1.weight.grad[12:].abs().amax((1, 2, 3)).min()), 0)  # what leads out of the new channels starts to move

    def test_folding_keeps_the_picture(self):
        g = trained([12, 10, 8, 3])
        g.input_mean.copy_(torch.rand(7))
        g.input_scale.copy_(torch.rand(7) + 0.5)
        x = torch.rand(3, 7).double()
        x[:, 1:4] /= x[:, 1:4].sum(1, keepdim=True)  # two groups that sum to 1
        x[:, 4:6] /= x[:, 4:6].sum(1, keepdim=True)
        state = g.folded_state([(1, 4), (4, 6)])
        self.assertLess(float((g(x) - reference_generator(g, state, x)).abs().max()), 1e-10)
        folded = models.fold_batch_norm(state)
        self.assertFalse(any("bn" in k for k in folded))
        self.assertLess(float((g(x) - reference_generator(g, folded, x)).abs().max()), 1e-10)
        with self.assertRaises(ValueError):
            g.folded_state([])

    def test_centring_is_left_out_where_it_could_not_be_folded(self):
        torch.manual_seed(4)
        x = torch.rand(300, 9)
        self.assertFalse(train_g.some_sum_to_one(x))
        x[:, 2:5] /= x[:, 2:5].sum(1, keepdim=True)
        x[:, 5:9] = F.one_hot(torch.randint(0, 4, (300,)), 4)
        self.assertTrue(train_g.some_sum_to_one(x))
        self.assertTrue(train_g.some_sum_to_one(x[:, 5:]))
        self.assertFalse(train_g.some_sum_to_one(x[:, :4]))
        trained([12, 10, 8, 3]).folded_state([])

    def test_growing_starts_as_the_enlarged_picture(self):
        torch.manual_seed(2)
        g, x = models.Generator(7, [12, 10, 8, 8, 3], depth=3), torch.rand(16, 7)
        for _ in range(200):
            g(torch.rand(16, 7))
        for size in (32, 64):
            big = g.grown(x)
            g.eval(), big.eval()
            expected = F.interpolate(g.logits(x), scale_factor=2, mode="bilinear", align_corners=False)
            inner = (slice(None), slice(None), slice(2, -2), slice(2, -2))
            self.assertEqual(big.size, size)
            self.assertLess(float((big.logits(x) - expected)[inner].abs().max()), 1e-3)
            g = copy.deepcopy(big)


class ResidualNetTest(unittest.TestCase):
    def test_shapes_and_folding(self):
        torch.manual_seed(3)
        f = models.ResidualNet(models.EXTRACTOR_ARCHITECTURE)
        f(torch.rand(4, 3, 64, 64))
        f.eval()
        x = torch.rand(2, 3, 64, 64)
        features = f.features(x)
        self.assertEqual([tuple(t.shape[1:]) for t in features], [(16, 32, 32), (48, 16, 16), (96, 8, 8), (160, 4, 4)])
        self.assertEqual(tuple(f(x).shape), (2, 11, 32, 32))
        folded = models.fold_batch_norm(f.state_dict())
        y = F.relu(F.conv2d((x.double() - f.pixel_mean) / f.pixel_std, folded["conv1.weight"], folded["conv1.bias"], 2, 1))
        z = F.relu(F.conv2d(y, folded["layer1.0.conv1.weight"], folded["layer1.0.conv1.bias"], 1, 1))
        z = F.relu(F.conv2d(z, folded["layer1.0.conv2.weight"], folded["layer1.0.conv2.bias"], 1, 1) + y)
        self.assertLess(float((z - features[0]).abs().max()), 1e-4)
        self.assertIn("layer2.0.downsample.0.bias", folded)
        self.assertFalse(any("bn" in k or "downsample.1" in k for k in folded))


class InheritTest(unittest.TestCase):
    def test_same_names_keep_their_effect_and_new_ones_have_none(self):
        torch.manual_seed(3)
        old = models.Generator(3, [8, 8, 3]).eval()
        old.input_mean.uniform_()
        old.input_scale.uniform_(1, 3)
        new = models.Generator(4, [8, 8, 3]).eval()
        place = [2, 0, 3]  # of the old inputs among the new ones
        new.input_mean[place] = old.input_mean
        new.input_scale.uniform_(1, 3)
        # The second parameter's range has doubled: half the old position is the same face.
        train_g.inherit(new, old.state_dict(), {"a": (0, 1.0), "b": (1, 2.0), "c": (2, 1.0)},
                        {"b": (0, 4.0), "new": (1, 1.0), "a": (2, 1.0), "c": (3, 1.0)})
        x = torch.rand(5, 3)
        wide = torch.rand(5, 4)
        wide[:, place] = x
        wide[:, 0] = old.input_mean[1] + (x[:, 1] - old.input_mean[1]) / 2
        self.assertLess(float((new(wide) - old(x)).abs().max()), 1e-6)


if __name__ == "__main__":
    unittest.main()
