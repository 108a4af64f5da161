"""Ages of the first guess moved to those of the portraits' people."""
import unittest

import numpy as np

import match_years

SCENE = {"parameters": [{"name": "hat", "type": "choice", "options": ["none", "cap"], "default": "none"},
                        {"name": "mood", "type": "simplex", "components": ["a", "b", "c"]},
                        {"name": "age", "type": "continuous", "min": 0.4, "default": 0.5, "max": 1, "mhm": [{"modifier": "macrodetails/Age", "sign": 1}]}]}


class MatchYearsTest(unittest.TestCase):
    def test_years_are_those_of_the_slider(self):
        entry, parameter = match_years.age_entry(SCENE)
        self.assertEqual(entry, 5)
        self.assertTrue(np.allclose(match_years.unit_of(parameter, [25, 57.5, 90]), [0.5, 0.75, 1]))
        with self.assertRaises(SystemExit):
            match_years.age_entry({"parameters": [*SCENE["parameters"][:2], {"name": "age", "type": "continuous", "min": 0, "default": 1, "max": 2}]})

    def test_guesses_have_the_mean_and_deviation_and_go_together(self):
        random = np.random.default_rng(2)
        z = random.normal(0, 1, (300, 9))
        tensors = {"weight": random.normal(0, 0.1, (6, 9)).astype(np.float16), "bias": random.normal(0.5, 0.1, 6).astype(np.float32),
                   "points.deviation": np.ones(136, np.float32)}
        before = z @ tensors["weight"].T + tensors["bias"]
        moved = match_years.stretched(tensors, 5, before[:, 5], 0.73, 0.085)
        after = z @ moved["weight"].T + moved["bias"]
        self.assertAlmostEqual(after[:, 5].mean(), 0.73, places=4)
        self.assertAlmostEqual(after[:, 5].std(), 0.085, places=4)
        self.assertGreater(np.corrcoef(after[:, 5], before[:, 5])[0, 1], 0.99999)
        self.assertTrue(np.array_equal(after[:, :5], before[:, :5]))
        self.assertTrue(all(moved[name].dtype == t.dtype for name, t in tensors.items()))
        again = match_years.stretched(moved, 5, after[:, 5], 0.73, 0.085)
        self.assertTrue(np.allclose(again["weight"], moved["weight"], atol=1e-3) and np.allclose(again["bias"], moved["bias"], atol=1e-3))
        for guesses, deviation in ((np.full(300, 0.5), 0.1), (before[:, 5], 0), (before[:10, 5], 0.1)):
            with self.assertRaises(SystemExit):
                match_years.stretched(tensors, 5, guesses, 0.73, deviation)


if __name__ == "__main__":
    unittest.main()
