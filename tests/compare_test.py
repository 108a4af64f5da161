"""bench/compare.py with stand-ins for the programs it runs, and (where there is PyTorch) the sub-pixel form of the generator."""
import contextlib
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent / "bench"
sys.path.insert(0, str(BENCH))
import compare

try:
    import torch
except ImportError:
    torch = None

# Each start of a program prints the next of its lines' numbers; $n counts the starts.
COUNT = 'n=$(cat "$0.n" 2>/dev/null || echo 0); n=$((n + 1)); echo $n > "$0.n"\n'
STEP_MS = 'case $n in 1) ms=30;; 2) ms=10;; *) ms=20;; esac\n'
FIT_STEP = COUNT + STEP_MS + ('echo "{\\"benchmarks\\": [{\\"name\\": \\"fit_step/paper/fp32/real_time\\", \\"median_ms\\": $ms, '
                              '\\"GFLOP\\": 4}]}"\n')
ONEDNN = COUNT + ('printf "onednn_version 2.6.3\\nonednn_isa avx2\\nonednn_gflop 4\\nonednn_primitives_ms 16\\nonednn_sequence_ms 25\\n"\n'
                  'if [ $n = 2 ]; then a=winograd; else a=direct; fi\n'
                  'printf "layer\\tconv 3-4 3x3 s1 @8\\tforward\\t2\\t2.0\\t$n\\t$a\\tjit:$a\\n"\n')
PEAK = 'printf "fma_peak_gflops 2000\\nfma_target AVX2\\n"; echo "threads_seen $OMP_NUM_THREADS"\n'


class CompareTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.build = Path(folder.name)
        (self.build / "bench").mkdir()
        for name, script in (("fit_step", FIT_STEP), ("onednn_primitives", ONEDNN), ("fma_peak", PEAK)):
            self.program(name).write_text("#!/bin/sh\n" + script)
            self.program(name).chmod(0o755)

    def program(self, name):
        return self.build / "bench" / name

    def compare(self, *arguments):
        out, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            code = compare.main(["--build", str(self.build), "--threads", "3", "--rounds", "3", "--no-torch", *arguments])
        return code, out.getvalue(), errors.getvalue()

    def test_prints_medians_and_ratios(self):
        code, out, _ = self.compare()
        self.assertEqual(code, 0)
        values = compare.parse_lines(out)
        self.assertEqual(values["likeness_step_ms"], 20)  # the middle of 30, 10, 20
        self.assertEqual(values["ratio_onednn_primitives"], 1.25)
        self.assertEqual(values["ratio_onednn_sequence"], 0.8)
        self.assertEqual(values["ratio_onednn"], 1.25)  # the harder bar
        self.assertEqual(values["fma_peak_gflops"], 2000)
        self.assertEqual(values["threads_seen"], 3)
        self.assertEqual(values["onednn_isa"], "avx2")

    def test_json_and_table(self):
        path = self.build / "table.md"
        code, out, _ = self.compare("--json", "--table", str(path))
        self.assertEqual(code, 0)
        result = json.loads(out)
        self.assertEqual([r["likeness_step_ms"] for r in result["by_round"]], [30, 10, 20])
        self.assertEqual(result["layers"][0]["ms"], 2)
        # 2 GFLOP in 2 ms are half of 2000 GFLOP/s; direct won two of three rounds.
        self.assertIn("| conv 3-4 3x3 s1 @8 | 2 | forward | 2.000 | 2.000 | direct (jit:direct) | 50 |", path.read_text())

    def test_the_better_form_of_torch_counts(self):
        values = {"likeness_step_ms": 20.0, "likeness_gflop": 4.0, "torch_transposed_ms": 80.0, "torch_subpixel_ms": 40.0}
        summary = compare.summarise([values], 1)
        self.assertEqual((summary["torch_step_ms"], summary["ratio_torch"]), (40, 0.5))

    def test_names_the_package_of_a_missing_contender(self):
        self.program("onednn_primitives").unlink()
        code, _, errors = self.compare()
        self.assertEqual(code, 1)
        self.assertIn("libdnnl-dev", errors)
        code, out, _ = self.compare("--no-onednn")
        self.assertEqual(code, 0)
        self.assertNotIn("onednn", out)

    def test_reports_a_contender_that_fails(self):
        self.program("onednn_primitives").write_text("#!/bin/sh\necho no such primitive >&2\nexit 1\n")
        code, _, errors = self.compare()
        self.assertEqual(code, 1)
        self.assertIn("onednn_primitives failed with 1: no such primitive", errors)


@unittest.skipUnless(torch, "no PyTorch")
class TorchNetsTest(unittest.TestCase):
    def test_both_forms_are_the_same_generator(self):
        import torch_fit_nets as nets
        torch.manual_seed(0)
        generator = nets.Generator(5, [8, 6, 4, 3]).double()
        results = []
        for form in (lambda g: g, nets.subpixel):
            x = torch.linspace(0, 1, 5, dtype=torch.double)[None].requires_grad_()
            picture = form(generator)(x)
            (picture * torch.linspace(-1, 1, picture.numel(), dtype=torch.double).view_as(picture)).sum().backward()
            results.append((picture.detach(), x.grad))
        for a, b in zip(*results):
            self.assertTrue(torch.allclose(a, b, rtol=1e-10, atol=1e-12))


if __name__ == "__main__":
    unittest.main()
