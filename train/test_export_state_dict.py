"""Any state_dict becomes a file that holds the same numbers and the right architecture; with LIKENESS_PROGRAM set, one that the program reads."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

import numpy as np
import torch

import export_state_dict
import fixture_networks
import models
import safetensors_io


class ExportStateDictTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "model.safetensors")
        self.state_path = os.path.join(folder.name, "state.pt")
        torch.manual_seed(3)

    def inspect(self):
        """What the program says of the file; None where it is not at hand."""
        program = os.environ.get("LIKENESS_PROGRAM")
        if not program:
            return None
        return json.loads(subprocess.run([program, "inspect", self.path, "--json"], check=True, capture_output=True).stdout)

    def test_generator_is_found_and_keeps_its_numbers(self):
        g = models.Generator(5, [6, 4, 3])
        state = {k: v for k, v in g.state_dict().items() if not k.startswith("input_")}
        architecture = export_state_dict.export(state, self.path, "generator", card={"training": "none"})
        self.assertEqual(architecture, {"type": "generator", "inputs": 5, "channels": [6, 4, 3], "first_kernel": 4})
        tensors, metadata = safetensors_io.load(self.path)
        self.assertEqual(set(metadata), {"architecture", "training"})
        self.assertEqual(set(tensors), {k for k in state if "num_batches" not in k})
        for name, value in tensors.items():
            self.assertEqual(value.dtype, np.float32)
            self.assertTrue((value == state[name].numpy()).all(), name)
        if (seen := self.inspect()) is not None:
            self.assertIn("5 sliders -> 16 x 16 picture", seen["network"]["facts"]["generator"])

    def test_generator_without_biases(self):
        state = {f"main.{3 * i}.weight": torch.randn(*shape, 4, 4) for i, shape in enumerate(((5, 6), (6, 4), (4, 3)))}
        rules = [(rf"^main\.{3 * i}\.", f"deconv{i}.") for i in range(3)]
        found = export_state_dict.export(state, self.path, "generator", rules, settings={"output": "tanh"})
        self.assertEqual(found["output"], "tanh")
        tensors, _ = safetensors_io.load(self.path)
        self.assertEqual({k: v.tolist() for k, v in tensors.items() if "bias" in k}, {"deconv0.bias": [0] * 6, "deconv1.bias": [0] * 4, "deconv2.bias": [0] * 3})
        self.inspect()

    def test_resnet_half_and_folded(self):
        for architecture in (fixture_networks.RESNET, fixture_networks.FCN):
            f = models.ResidualNet(architecture).eval()
            found = export_state_dict.export(f.state_dict(), self.path, "resnet", fold=True, half=True)
            for key in ("block", "layers", "widths", "stem", "mean", "std"):
                self.assertEqual(found[key], architecture[key], key)
            self.assertEqual(found.get("head"), architecture.get("head"))
            tensors, _ = safetensors_io.load(self.path)
            self.assertFalse([k for k in tensors if "bn" in k or "downsample.1" in k])
            folded = models.fold_batch_norm(f.state_dict())
            for name, value in tensors.items():
                self.assertEqual(value.dtype, np.float16)
                self.assertLessEqual(np.abs(value - folded[name].numpy()).max(), 1e-3 * max(1e-3, float(folded[name].abs().max())), name)
            if (seen := self.inspect()) is not None:
                self.assertIn(architecture["block"], seen["network"]["facts"]["extractor"])

    def test_names_are_changed_and_dropped_by_the_command(self):
        layers = torch.nn.Sequential(torch.nn.ConvTranspose2d(4, 5, 3), torch.nn.BatchNorm2d(5), torch.nn.ReLU(), torch.nn.ConvTranspose2d(5, 3, 4, 2, 1))
        torch.save({"state_dict": {f"module.main.{k}": v for k, v in layers.state_dict().items()} | {"module.extra": torch.ones(2)}}, self.state_path)
        command = [sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "export_state_dict.py"), self.state_path, "-o", self.path,
                   "--generator", "--drop", "extra", "--card", "licence=CC0-1.0"]
        for rule in (r"^module\.main\.=", r"^0\.=deconv0.", r"^1\.=bn0.", r"^3\.=deconv1."):
            command += ["--rename", rule]
        subprocess.run(command, check=True, capture_output=True)
        tensors, metadata = safetensors_io.load(self.path)
        self.assertEqual(sorted(k for k in tensors if "weight" in k), ["bn0.weight", "deconv0.weight", "deconv1.weight"])
        self.assertNotIn("module.extra", tensors)
        self.assertEqual(json.loads(metadata["architecture"]), {"type": "generator", "inputs": 4, "channels": [5, 3], "first_kernel": 3})
        self.assertEqual(metadata["licence"], "CC0-1.0")
        self.assertTrue((tensors["deconv1.weight"] == layers[3].weight.detach().numpy()).all())
        if (seen := self.inspect()) is not None:
            self.assertIn("6 x 6 picture", seen["network"]["facts"]["generator"])

    def test_refusals(self):
        one = {"a": torch.ones(1)}
        for state, options in (({"x": torch.tensor([float("nan")])}, {}), ({"x": torch.tensor([1e6])}, {"half": True}), (one, {"architecture": "generator"}),
                               (one, {"architecture": "resnet"}), ({"a1": torch.ones(1), "a2": torch.ones(1)}, {"rename": [(r"\d", "")]})):
            with self.assertRaises(SystemExit):
                export_state_dict.export(state, self.path, **options)
            self.assertFalse(os.path.exists(self.path))
        torch.save([1, 2], self.state_path)
        with self.assertRaises(SystemExit):
            export_state_dict.read_state(self.state_path)


if __name__ == "__main__":
    unittest.main()
