"""What the first guess is taught of people: where it goes, that it is learnt, and that bad tables are refused."""
import os
import tempfile
import unittest

import numpy as np

import encoder
import teach_guess

SCENE = {"parameters": [{"name": "hat", "type": "choice", "options": ["none", "cap"], "default": "none"},
                        {"name": "age", "type": "continuous", "min": 0.4, "default": 0.5, "max": 1, "mhm": ["macrodetails/Age"]},
                        {"name": "gender", "type": "continuous", "min": 0, "default": 0.5, "max": 1, "mhm": ["macrodetails/Gender"]},
                        {"name": "ethnicity", "type": "simplex", "components": ["african", "asian", "caucasian"],
                         "mhm": ["macrodetails/African", "macrodetails/Asian", "macrodetails/Caucasian"]},
                        {"name": "eye_color", "type": "choice", "options": ["brown", "blue"], "default": "brown"}]}
CHANNELS = 2


class TeachGuessTest(unittest.TestCase):
    def setUp(self):
        self.random = np.random.default_rng(5)

    def rows(self, count):
        draw = lambda *shape: self.random.normal(0, 1, (count, *shape))
        return encoder.columns(draw(CHANNELS, 4, 4), draw(encoder.POINTS), draw(encoder.COLOURS))

    def test_entries_are_those_of_the_scene(self):
        entries, eyes, age = teach_guess.taught_entries(SCENE)
        self.assertEqual(entries, [3, 2, 4, 5, 6])
        self.assertEqual(eyes, {"brown": 7, "blue": 8})
        self.assertEqual(teach_guess.taught_entries({"parameters": SCENE["parameters"][:-1]})[1], {})
        self.assertTrue(np.allclose(teach_guess.unit_of(age, [25, 57.5, 90]), [0.5, 0.75, 1]))
        for missing in range(1, 4):
            with self.assertRaises(SystemExit):
                teach_guess.taught_entries({"parameters": [p for i, p in enumerate(SCENE["parameters"]) if i != missing]})
        other = [dict(p, mhm=[]) if p["name"] == "age" else p for p in SCENE["parameters"]]  # another game's age
        with self.assertRaises(SystemExit):
            teach_guess.taught_entries({"parameters": other})

    def test_sliders_of_people(self):
        _, _, age = teach_guess.taught_entries(SCENE)
        x = teach_guess.sliders([("f", 25.0, "asian", "blue"), ("m", 90.0, "other", "")], age)
        self.assertTrue(np.allclose(x, [[0.15, 0.5, 0.05, 0.85, 0.10], [0.8, 1, 0.05, 0.07, 0.88]]))
        self.assertTrue(np.allclose([sum(a) for a in teach_guess.ANCESTRY.values()], 1))

    def test_eyes_of_those_whose_are_known(self):
        people = [("f", 25.0, "asian", eyes) for eyes in ("blue", "", "brown", "blue")]
        known, x = teach_guess.eye_sliders(people, {"brown": 7, "blue": 8})
        self.assertEqual((known.tolist(), x.tolist()), ([0, 2, 3], [[0, 1], [1, 0], [0, 1]]))
        known, x = teach_guess.eye_sliders(people[1:2], {"brown": 7, "blue": 8})
        self.assertEqual((known.size, x.shape), (0, (0, 2)))
        seen = np.float64([[1, 0], [1, 0], [0, 1]])
        figures = teach_guess.eye_figures(np.float64([[0.9, 0.1], [0.4, 0.6], [0.5, 0.5]]), seen)
        self.assertEqual(figures, {"eyes_auc": 0.5, "eyes_error": 0.413, "eyes_mean_error": 0.444})

    def test_people_are_learnt_where_renders_mislead_and_clothes_are_not_seen(self):
        men = self.random.random(600) < 0.5
        portraits, renders = self.rows(600), self.rows(2000)
        truth = np.full((2000, 5), 0.5)
        truth[:, :2] = 0.5 + 0.2 * renders[:, 1:3]
        portraits[:, 1:3] = 0  # what tells sexes in renders is not there in portraits
        tie = 3 * encoder.CELLS  # the lowest row's first cell
        for column in (40, tie):
            portraits[:, column] = np.where(men, 1, -1) + self.random.normal(0, 0.3, 600)
        wanted = np.full((600, 5), 0.5)
        wanted[:, 0] = np.where(men, 0.8, 0.15)
        fitted = [teach_guess.without_clothes(z, CHANNELS) for z in (renders, portraits)]
        weight, bias = teach_guess.solved(fitted[0], truth, fitted[1], wanted).solve(100.0)
        self.assertEqual(np.abs(weight[:, tie]).max(), 0)
        people = [("m" if m else "f", years, "other", "") for m, years in zip(men, self.random.uniform(30, 70, 600))]
        self.assertGreater(teach_guess.figures(portraits @ weight.T + bias, people)["sex_auc"], 0.99)
        only = encoder.Ridge(fitted[0], truth).solve(1.0)
        self.assertLess(teach_guess.figures(portraits @ only[0].T + only[1], people)["sex_auc"], 0.7)
        self.assertGreater(np.corrcoef((renders @ weight.T)[:, 0], truth[:, 0])[0, 1], 0.6, "what only renders show is kept")

    def test_figures(self):
        guesses = np.column_stack([[0.2, 0.9, 0.4, 0.4], [0.1, 0.2, 0.3, 0.4], [0.9, 0, 0, 0], [0, 0, 0, 0], [0.1, 1, 1, 1]])
        people = [("f", 30.0, "african", ""), ("m", 40.0, "other", ""), ("f", 50.0, "other", ""), ("m", 60.0, "other", "")]
        self.assertEqual(teach_guess.figures(guesses, people), {"sex_auc": 0.875, "years_correlation": 1.0, "african_auc": 1.0})
        self.assertEqual(teach_guess.figures(guesses, [(s, 40.0, "other", "") for s in "ffff"]), {})  # nothing to tell apart

    def test_the_strength_is_chosen_by_portraits_that_were_left_out_and_that_differ(self):
        portraits, renders = self.rows(300), self.rows(2000)
        men = portraits[:, 40] + self.random.normal(0, 2, 300) > 0
        people = [("m" if m else "f", 40.0 + 10 * m, "other", "") for m in men]
        wanted = np.full((300, 5), 0.5)
        wanted[:, 0] = np.where(men, 0.8, 0.15)
        truth = np.full((2000, 5), 0.5)
        errors = {}
        log = lambda **f: errors.update({f["strength"]: f["error"]})
        measure = lambda guesses: teach_guess.figures(guesses, people)
        strength = teach_guess.chosen_strength(teach_guess.STRENGTHS, renders, truth, portraits, wanted, log, measure)
        self.assertEqual(sorted(errors), sorted(teach_guess.STRENGTHS))
        self.assertTrue(np.isfinite(list(errors.values())).all())
        self.assertEqual(strength, max(teach_guess.STRENGTHS), "noise: the more is held back the better")

    def test_tables(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "people.csv")

            def read(text):
                with open(path, "w") as file:
                    file.write(text)
                return teach_guess.read_people(path, ["brown", "blue"])

            people = {"a": ("f", 52.0, "african", "blue"), "b": ("m", 40.0, "other", "")}
            self.assertEqual(read("name,sex,years,ancestry,eyes\na,f,52,african,blue\nb,m,40,other,\n"), people)
            self.assertEqual(read(""), {})
            for line in ("a,x,52,african", "a,f,old,african", "a,f,24,african", "a,f,91,african", "a,f,52,martian", "a,f,nan,asian", "a,f",
                         "a,f,52,asian,red", "a,f,52,asian", "a,f,52,asian,\na,m,40,other,"):
                with self.assertRaises(SystemExit, msg=line):
                    read(f"name,sex,years,ancestry,eyes\n{line}\n")
            with self.assertRaises(SystemExit):
                read("name,sex\na,f\n")


if __name__ == "__main__":
    unittest.main()
