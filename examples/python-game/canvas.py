"""A canvas for flat shapes, without any library: one byte a sample names a material, and a material has a colour and a label.

Every shape is painted once, in whole spans; colours and label map both come from the same plane by a table look-up, and supersampling is
averaged two samples at a time in very long integers. So plain Python draws 256x256 pixels in some 20 ms.
"""
import math
import struct
import zlib


class Canvas:
    def __init__(self, size, supersample):
        """size: pixels a side; supersample: samples a pixel and axis, rounded up to 1, 2 or 4."""
        self.size = size
        self.samples = 1 if supersample <= 1 else 2 if supersample == 2 else 4
        self.side = size * self.samples
        self.plane = bytearray(self.side * self.side)
        self.colours, self.labels = [], []

    def material(self, colour, label):
        """colour: (r, g, b) in [0, 1]. Returns the number to paint with; number 0 is there from the start."""
        self.colours.append([min(255, max(0, round(255 * c))) for c in colour])
        self.labels.append(label)
        return len(self.labels) - 1

    def spans(self, points):
        """Rows that a polygon covers -> crossings from left to right, in samples. points: (x, y) as fractions of the picture."""
        rows, side = {}, self.side
        corners = [(x * side, y * side) for x, y in points]
        for (xa, ya), (xb, yb) in zip(corners, corners[1:] + corners[:1]):
            if ya > yb:
                xa, ya, xb, yb = xb, yb, xa, ya
            first, end = max(0, math.ceil(ya - 0.5)), min(side, math.ceil(yb - 0.5))
            if first >= end:
                continue
            slope = (xb - xa) / (yb - ya)
            x = xa + (first + 0.5 - ya) * slope
            for row in range(first, end):
                rows.setdefault(row, []).append(x)
                x += slope
        for crossings in rows.values():
            crossings.sort()
        return rows

    def fill(self, points, material, clip=None):
        """Paints a polygon; `clip`: spans() of one whose rows are single intervals, outside of which nothing is painted."""
        side, plane = self.side, self.plane
        for row, crossings in self.spans(points).items():
            left, right = 0, side
            if clip is not None:
                if row not in clip:
                    continue
                left, right = max(0, math.ceil(clip[row][0] - 0.5)), min(side, math.ceil(clip[row][-1] - 0.5))
            for i in range(0, len(crossings) - 1, 2):
                a, b = max(left, math.ceil(crossings[i] - 0.5)), min(right, math.ceil(crossings[i + 1] - 0.5))
                if a < b:
                    plane[row * side + a:row * side + b] = bytes((material,)) * (b - a)

    def rgb(self):
        """size * size * 3 bytes."""
        out = bytearray(3 * self.size * self.size)
        for channel in range(3):
            table = bytes(c[channel] for c in self.colours)
            plane, side = self.plane.translate(table + bytes(256 - len(table))), self.side
            while side > self.size:
                plane, side = halved(plane, side), side // 2
            out[channel::3] = plane
        return bytes(out)

    def label_map(self):
        """size * size bytes: the label of the sample nearest to each pixel's middle."""
        plane = self.plane.translate(bytes(self.labels) + bytes(256 - len(self.labels)))
        step, side = self.samples, self.side
        return b"".join(plane[row * side + step // 2:(row + 1) * side:step] for row in range(step // 2, side, step))


def average(a, b):
    """The mean of two byte strings, byte by byte, rounded down: (a & b) + (a ^ b) / 2 in one long integer."""
    mask = int.from_bytes(b"\xfe" * len(a), "little")
    x, y = int.from_bytes(a, "little"), int.from_bytes(b, "little")
    return ((x & y) + (((x ^ y) & mask) >> 1)).to_bytes(len(a), "little")


def halved(plane, side):
    """2x2 blocks of a square plane averaged."""
    narrow, half = average(plane[0::2], plane[1::2]), side // 2
    rows = [narrow[i:i + half] for i in range(0, len(narrow), half)]
    return average(b"".join(rows[0::2]), b"".join(rows[1::2]))


def write_png(path, size, channels, pixels):
    """8-bit grey (channels 1) or RGB (3)."""
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    width = size * channels
    rows = b"".join(b"\0" + pixels[i:i + width] for i in range(0, len(pixels), width))
    header = struct.pack(">IIBBBBB", size, size, 8, {1: 0, 3: 2}[channels], 0, 0, 0)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b""))
