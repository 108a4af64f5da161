"""Pseudo labels: landmarks decide the features, the network hair and background, doubt is ignored."""
import unittest

import numpy as np

import pseudo_labels

SIZE = 128


def face():
    """A symmetric set of 68 landmarks in a 128-pixel picture with an open mouth."""
    p = np.zeros((68, 2), np.float32)
    angle = np.linspace(np.pi, 0, 17)
    p[0:17] = np.stack([64 + 36 * np.cos(angle), 55 + 45 * np.sin(angle)], 1)
    p[17:22] = np.stack([np.linspace(38, 57, 5), [45, 42, 41, 42, 44]], 1)
    p[22:27] = np.stack([np.linspace(71, 90, 5), [44, 42, 41, 42, 45]], 1)
    p[27:31] = np.stack([[64] * 4, [52, 58, 64, 70]], 1)
    p[31:36] = np.stack([np.linspace(57, 71, 5), [73, 75, 76, 75, 73]], 1)
    for first, x in ((36, 49), (42, 79)):
        p[first:first + 6] = [[x - 6, 52], [x - 2, 49], [x + 2, 49], [x + 6, 52], [x + 2, 54], [x - 2, 54]]
    p[48:60] = [[50, 84], [55, 81], [60, 80], [64, 81], [68, 80], [73, 81], [78, 84], [73, 92], [68, 95], [64, 96], [60, 95], [55, 92]]
    p[60:68] = [[52, 84], [59, 84], [64, 84], [69, 84], [76, 84], [69, 91], [64, 92], [59, 91]]
    return p


def network_says(kind):
    p = np.full((11, SIZE, SIZE), 0.001, np.float32)
    p[kind] = 0.99
    return p


class MergeTest(unittest.TestCase):
    def test_landmarks_decide_inside_the_face(self):
        labels = pseudo_labels.merge(network_says(2), face())  # a network that sees hair everywhere
        for (x, y), expected in (((49, 51), 5), ((79, 51), 6), ((64, 88), 9), ((64, 82), 8), ((64, 94), 10), ((64, 65), 7), ((40, 75), 1), ((5, 5), 2)):
            self.assertEqual(labels[y, x], expected, (x, y))

    def test_doubt_is_ignored(self):
        p = np.full((11, SIZE, SIZE), 1 / 11, np.float32)
        labels = pseudo_labels.merge(p, face())
        self.assertEqual(labels[5, 5], 255)
        self.assertEqual(labels[88, 64], 9)
        self.assertEqual(labels[75, 40], 1)

    def test_neck_is_background(self):
        labels = pseudo_labels.merge(network_says(1), face())
        self.assertEqual(labels[115, 64], 0)
        self.assertEqual(labels[20, 64], 1)

    def test_hair_away_from_the_face_is_background(self):
        p = network_says(0)
        p[:, 5:30, 40:90] = network_says(2)[:, 5:30, 40:90]
        p[:, 5:30, 110:120] = network_says(2)[:, 5:30, 110:120]
        p[:, 28:60, 30:98] = network_says(1)[:, 28:60, 30:98]
        labels = pseudo_labels.merge(p, face())
        self.assertEqual((labels[15, 64], labels[15, 115]), (2, 0))

    def test_closed_mouth_has_no_inside(self):
        p = face()
        p[65:68, 1] = 84
        self.assertFalse((pseudo_labels.merge(network_says(1), p) == 9).any())


if __name__ == "__main__":
    unittest.main()
