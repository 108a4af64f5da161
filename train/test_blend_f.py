"""Blending of checkpoints."""
import unittest

import torch

import blend_f


def checkpoint(value, architecture="a"):
    return {"average": {"w": torch.full((2, 3), value), "count": torch.tensor(int(value))}, "architecture": architecture, "schema": "s",
            "options": {"rate": value}, "steps": 1, "images": 2, "spent": 3.0, "optimiser": "large"}


class BlendTest(unittest.TestCase):
    def test_weights_lie_between(self):
        blended = blend_f.blend(checkpoint(1.0), checkpoint(5.0), 0.25)
        self.assertTrue((blended["average"]["w"] == 2.0).all())
        self.assertEqual(int(blended["average"]["count"]), 5)
        self.assertEqual((blended["blended"], blended["options"]), (0.25, {"rate": 5.0}))
        self.assertNotIn("optimiser", blended)  # nothing to train on

    def test_other_networks_are_refused(self):
        with self.assertRaises(SystemExit):
            blend_f.blend(checkpoint(1.0), checkpoint(5.0, "b"), 0.5)


if __name__ == "__main__":
    unittest.main()
