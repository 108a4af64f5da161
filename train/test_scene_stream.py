"""Streams and caches, with a small program in place of the client."""
import io
import os
import sys
import tempfile
import unittest

import numpy as np

import scene_stream

FAKE = '''
import json, sys
import numpy as np
a = sys.argv
first, n = int(a[a.index("--first") + 1]), int(a[a.index("-n") + 1])
size, p, limit = 8, 5, int(a[1])
out = sys.stdout.buffer
out.write((json.dumps({"format": "likeness-stream", "version": 1, "count": n, "parameters": p, "size": size, "labels": True, "schema": "s"}) + "\\n").encode())
for i in range(first, min(limit, first + n)):
    out.write(np.full(p, i, "<f4").tobytes() + np.full(136, i + 0.5, "<f4").tobytes())
    out.write(np.full(size * size * 3, i, np.uint8).tobytes() + np.full(size * size, i % 11, np.uint8).tobytes())
'''


class StreamTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.client = os.path.join(self.folder.name, "client.py")
        with open(self.client, "w") as file:
            file.write(FAKE)

    def tearDown(self):
        self.folder.cleanup()

    def test_an_interrupted_cache_continues(self):
        directory = os.path.join(self.folder.name, "cache")
        command = [sys.executable, self.client, "130"]
        with self.assertRaises(RuntimeError):
            scene_stream.fill(directory, command, 160)
        self.assertEqual(scene_stream.Cache(directory).stored(), 100)  # records are counted fifty at a time
        with open(self.client, "w") as file:
            file.write(FAKE.replace("int(a[1])", "1000"))
        cache = scene_stream.fill(directory, command, 160)
        self.assertEqual(cache.stored(), 160)
        self.assertTrue((cache.parameters[:, 0] == np.arange(160)).all())
        self.assertTrue((cache.landmarks[:, 67, 1] == np.arange(160) + 0.5).all())
        self.assertTrue((cache.rgb[:, 7, 7, 2] == np.arange(160)).all())
        self.assertTrue((cache.labels[:, 3, 3] == np.arange(160) % 11).all())

    def test_another_command_is_refused(self):
        directory = os.path.join(self.folder.name, "cache")
        scene_stream.fill(directory, [sys.executable, self.client, "1000"], 10)
        with self.assertRaises(RuntimeError):
            scene_stream.fill(directory, [sys.executable, self.client, "1001"], 10)

    def test_live_renders_come_once_and_in_order(self):
        live = scene_stream.Live([sys.executable, self.client, "1000"], 8, 40, ahead=16)
        x, rgb, labels = (np.concatenate(parts) for parts in zip(*(live.take(12) for _ in range(5))))
        live.close()
        self.assertTrue((x[:, 0] == np.arange(40, 100)).all())
        self.assertEqual(rgb.shape, (60, 8, 8, 3))
        self.assertTrue((rgb[:, 7, 7, 2] == np.arange(40, 100)).all())
        self.assertTrue((labels[:, 3, 3] == np.arange(40, 100) % 11).all())

    def test_live_renders_that_end_are_an_error(self):
        live = scene_stream.Live([sys.executable, self.client, "50"], 8, 0)
        live.take(50)
        for _ in range(2):
            with self.assertRaises(RuntimeError):
                live.take(1)

    def test_what_is_no_stream_is_refused(self):
        for text in (b"", b'{"format":"png"}\n'):
            with self.assertRaises(RuntimeError):
                scene_stream.Stream(io.BytesIO(text))


if __name__ == "__main__":
    unittest.main()
