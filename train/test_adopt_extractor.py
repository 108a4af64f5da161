"""An extractor moved to another scene keeps its weights and loses, or measures again, what belonged to the old scene."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

import numpy as np
import torch
from PIL import Image

import adopt_extractor
import export
import models
import safetensors_io
from test_support import write_cache


class AdoptTest(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(6)
        self.folder = tempfile.TemporaryDirectory()
        self.architecture = {**models.EXTRACTOR_ARCHITECTURE, "input_size": 64}
        network = models.ResidualNet(self.architecture)
        for _ in range(3):
            network(torch.rand(4, 3, 64, 64))
        self.network = network.eval()
        tensors = export.halved(models.fold_batch_norm(network.state_dict()))
        self.weights = set(tensors)
        tensors["statistics.photo.layer1.mean"] = np.zeros((16, 32, 32), np.float16)
        self.old = os.path.join(self.folder.name, "old.safetensors")
        safetensors_io.save(self.old, tensors, {"architecture": json.dumps(self.architecture), "statistics": "of the old scene", "licence": "x"})
        self.model = os.path.join(self.folder.name, "model")
        os.makedirs(self.model)

    def tearDown(self):
        self.folder.cleanup()

    def adopt(self, *more):
        subprocess.run([sys.executable, adopt_extractor.__file__, "--extractor", self.old, "--model", self.model, *more], check=True,
                       stdout=subprocess.DEVNULL)
        return safetensors_io.load(os.path.join(self.model, "extractor.safetensors"))

    def test_without_photographs_the_statistics_are_left_out(self):
        tensors, metadata = self.adopt()
        self.assertEqual(set(tensors), self.weights)
        self.assertNotIn("statistics", metadata)
        self.assertEqual(metadata["licence"], "x")
        with open(os.path.join(self.model, "manifest.json")) as file:
            self.assertIn("extractor.safetensors", json.load(file)["files"])

    def test_with_photographs_they_are_measured_with_its_own_weights(self):
        cache = write_cache(os.path.join(self.folder.name, "cache"), 12, 64)
        photos = os.path.join(self.folder.name, "photos")
        os.makedirs(photos)
        for i in range(5):
            Image.fromarray(cache.rgb[i]).resize((128, 128)).save(os.path.join(photos, f"{i}.png"))
        tensors, metadata = self.adopt("--cache", cache.directory, "--photos-aligned", photos)
        self.assertEqual(metadata["statistics"], "5 aligned photographs, 12 renders")
        with torch.no_grad():
            features = self.network.features(torch.from_numpy(np.array(cache.rgb)).permute(0, 3, 1, 2).float() / 255)
        for i, feature in enumerate(features):
            measured = tensors[f"statistics.render.layer{i + 1}.mean"].astype(np.float32)
            self.assertLess(np.abs(measured - feature.mean(0).numpy()).max(), 0.03 * float(feature.abs().max()))


if __name__ == "__main__":
    unittest.main()
