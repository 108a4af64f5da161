"""Model files carried over to a scene with more parameters: old entries keep their effect, new ones have none."""
import copy
import json
import unittest

import numpy as np

import extend_model

BEFORE = {"parameters": [{"name": "a", "type": "continuous", "role": "identity", "min": 0, "default": 0.5, "max": 1},
                         {"name": "hat", "type": "choice", "role": "identity", "options": ["none", "cap"], "default": "none"},
                         {"name": "turn", "type": "continuous", "role": "nuisance", "min": -1, "default": 0, "max": 1}]}
NEW = {"name": "glasses", "type": "choice", "role": "identity", "options": ["none", "round", "square"], "default": "none"}


def after(position):
    scene = copy.deepcopy(BEFORE)
    scene["parameters"].insert(position, NEW)
    return scene


class ExtendModelTest(unittest.TestCase):
    def test_entries_are_found_by_name_wherever_the_new_ones_are(self):
        self.assertEqual(list(extend_model.mapping(BEFORE, after(3))), [0, 1, 2, 3, -1, -1, -1])
        self.assertEqual(list(extend_model.mapping(BEFORE, after(1))), [0, -1, -1, -1, 1, 2, 3])

    def test_a_scene_that_lost_or_changed_something_is_refused(self):
        gone, wider = after(1), after(1)
        del gone["parameters"][0]
        wider["parameters"][-1]["max"] = 2
        other_option = json.loads(json.dumps(after(1)).replace("cap", "crown"))
        one_more = after(1)
        one_more["parameters"][2]["options"].append("crown")
        for scene in (gone, wider, other_option, one_more):
            with self.assertRaises(SystemExit):
                extend_model.mapping(BEFORE, scene)

    def test_files_do_the_same_for_old_entries_and_nothing_for_new_ones(self):
        random, scene = np.random.default_rng(1), after(1)
        rows = extend_model.mapping(BEFORE, scene)
        x = random.random(7)
        old = x[np.argsort(rows)[3:]]
        generator = {"deconv0.weight": random.normal(0, 1, (4, 5, 4, 4)), "deconv0.bias": random.normal(0, 1, 5)}
        out = extend_model.extended("generator", generator, rows, scene)
        self.assertTrue(np.allclose(np.tensordot(x, out["deconv0.weight"], 1), np.tensordot(old, generator["deconv0.weight"], 1)))
        self.assertIs(out["deconv0.bias"], generator["deconv0.bias"])
        companions = {"landmarks.weight": random.normal(0, 1, (6, 4)), "colours.inputs": np.array([3, 1], np.int32), "colours.routed": np.array([1.0, 0, 0, 1])}
        out = extend_model.extended("companions", companions, rows, scene)
        self.assertTrue(np.allclose(out["landmarks.weight"] @ x, companions["landmarks.weight"] @ old))
        self.assertTrue(np.allclose(x[out["colours.inputs"]], old[companions["colours.inputs"]]))
        self.assertEqual(list(out["colours.routed"]), [1, 0, 0, 0, 0, 0, 1])
        encoder = {"weight": random.normal(0, 1, (4, 9)), "bias": random.normal(0, 1, 4)}
        out = extend_model.extended("encoder", encoder, rows, scene)
        guess = out["weight"] @ np.ones(9) + out["bias"]
        self.assertTrue(np.allclose(guess[rows >= 0], encoder["weight"] @ np.ones(9) + encoder["bias"]))
        self.assertEqual(list(guess[rows < 0]), [1, 0, 0])


if __name__ == "__main__":
    unittest.main()
