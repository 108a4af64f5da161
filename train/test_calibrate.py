"""What calibrate.py sets, and what it leaves alone."""
import unittest

import numpy as np

import calibrate


class CalibrateTest(unittest.TestCase):
    def setUp(self):
        self.tensors = {"landmarks.photo_mean": np.arange(136.0), "landmarks.photo_deviation": np.ones(136)}

    def test_brows_are_centred_by_renders(self):
        made = calibrate.calibrate(self.tensors, renders=np.stack([np.full(136, 10.0), np.full(136, 20.0)]))
        mean = made["landmarks.photo_mean"].reshape(68, 2)
        self.assertTrue((mean[17:27] == 15).all())
        self.assertTrue((np.delete(mean, range(17, 27), 0) == np.delete(np.arange(136.0).reshape(68, 2), range(17, 27), 0)).all())
        self.assertEqual(self.tensors["landmarks.photo_mean"][34], 34)  # not changed in place

    def test_strangers(self):
        made = calibrate.calibrate(self.tensors, strangers={"fit_strangers_similarity_mean": 0.25, "fit_strangers_similarity_deviation": 0.5})
        self.assertEqual(made["similarity.strangers"].tolist(), [0.25, 0.5])
        self.assertNotIn("similarity.strangers", calibrate.calibrate(made, raw=True))


if __name__ == "__main__":
    unittest.main()
