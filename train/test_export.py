"""What is stored computes what was trained."""
import json
import os
import tempfile
import unittest

import numpy as np
import torch

import common
import evaluate_f
import export
import models
import safetensors_io


class ExportTest(unittest.TestCase):
    def test_folded_extractor_put_back_gives_the_same_logits(self):
        torch.manual_seed(5)
        f = models.ResidualNet(models.EXTRACTOR_ARCHITECTURE)
        for _ in range(5):
            f(torch.rand(4, 3, 64, 64))
        f.eval()
        stored = export.load_folded(models.ResidualNet(models.EXTRACTOR_ARCHITECTURE), export.halved(models.fold_batch_norm(f.state_dict())))
        x = torch.rand(2, 3, 64, 64)
        with torch.no_grad():
            a, b = f(x), stored(x)
        self.assertLess(float((a - b).abs().max()), 0.02 * float(a.abs().max()))

    def test_safetensors_round_trip_and_manifest(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "generator.safetensors")
            tensors = {"b": np.arange(6, dtype=np.float16).reshape(2, 3), "a": np.float32([1.5]), "c": np.zeros((0, 2), np.float32)}
            safetensors_io.save(path, tensors, {"architecture": '{"x":1}', "note": "é"})
            back, metadata = safetensors_io.load(path)
            self.assertEqual(metadata, {"architecture": '{"x":1}', "note": "é"})
            for name, value in tensors.items():
                self.assertEqual((back[name].dtype, back[name].shape), (value.dtype, value.shape))
                self.assertTrue((back[name] == value).all())
            export.write_manifest(folder)
            with open(os.path.join(folder, "manifest.json")) as file:
                entry = json.load(file)["files"]["generator.safetensors"]
            self.assertEqual(entry["size"], os.path.getsize(path))
            self.assertEqual(entry["sha256"], export.digest(path))

    def test_the_card_tells_all_trainings(self):
        options = {"rate": 0.002, "stages": "128:0.4,256:1", "device": "cpu", "threads": 1, "seed": 11, "photos": None, "photos_aligned": None}
        first = {"images": 300, "steps": 20, "spent": 1800.0, "options": options}
        adapted = {**options, "photos_aligned": "/secret/folder", "photos": "/secret", "rate": 0.001}
        state = {"images": 160, "steps": 10, "spent": 3600.0, "options": adapted, "schema": "s", "processes": 2, "earlier": [first]}
        card = export.card(state, "f", "7 portraits of cats", {"renders_miou": 0.5}, "a note")
        self.assertEqual(set(card), {"schema", "data", "recipe", "hours", "figures", "licence", "note"})
        self.assertEqual(card["hours"], "1.50")
        self.assertIn("first 300 images in 20 steps", card["recipe"])
        self.assertIn("then 160 images in 10 steps", card["recipe"])
        self.assertIn("2 processes of 1 thread(s)", card["recipe"])
        self.assertIn("7 portraits of cats with pseudo labels", card["data"])
        self.assertNotIn("secret", json.dumps(card))
        self.assertNotIn("portraits", export.card({**first, "schema": "s"}, "f", "portraits", {}, "")["data"])

    def test_groups_of_the_schema(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "scene.json")
            with open(path, "w") as file:
                json.dump({"parameters": [{"type": "continuous"}, {"type": "simplex", "components": ["a", "b", "c"]}, {"type": "choice", "options": ["x", "y"]}]}, file)
            self.assertEqual(common.schema_groups(path), (6, [(1, 4), (4, 6)]))

    def test_similarity_recovers_a_map(self):
        source = np.array([[10, 20], [40, 22], [25, 60.0]])
        angle, scale = 0.3, 1.7
        linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        found = evaluate_f.similarity(source, source @ linear.T + [5, -3])
        self.assertLess(np.abs(found - np.concatenate([linear, [[5], [-3]]], 1)).max(), 1e-9)

    def test_iou_of_known_counts(self):
        counts = torch.zeros(11, 11, dtype=torch.long)
        counts[0, 0], counts[0, 1], counts[1, 1] = 6, 2, 2
        values = evaluate_f.iou(counts)
        self.assertAlmostEqual(float(values[0]), 6 / 8)
        self.assertAlmostEqual(float(values[1]), 2 / 4)


if __name__ == "__main__":
    unittest.main()
