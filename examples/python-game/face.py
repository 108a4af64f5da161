"""Draws one face: parameters by name in, a Canvas and 68 landmarks (fractions of the picture) out.

Everything is laid out for the average face in fractions of the picture, with a depth toward the viewer; `Head.at` turns it. Labels: 0
background (also neck, ears, clothes), 1 face, 2 hair, 3/4 brows, 5/6 eyes, 7 nose, 8 upper lip, 9 inner mouth, 10 lower lip; left is the
viewer's left.
"""
import math

from canvas import Canvas

FACE, HAIR, BROWS, EYES, NOSE, UPPER_LIP, INNER_MOUTH, LOWER_LIP = 1, 2, (3, 4), (5, 6), 7, 8, 9, 10
SKIN_STOPS = [(0.23, 0.13, 0.09), (0.72, 0.49, 0.36), (0.98, 0.85, 0.76)]  # at skin_tone 0, 0.5, 1
HAIR_COLOURS = {"black": (0.07, 0.06, 0.07), "brown": (0.33, 0.19, 0.10), "blond": (0.86, 0.68, 0.38), "red": (0.66, 0.22, 0.08)}
MIDDLE, TOP, EYE_LINE = 0.5, 0.23, 0.46
SHADES = 9  # of the skin, from the dark side to the light


def mix(a, b, t):
    return tuple(p + (q - p) * t for p, q in zip(a, b))


def scaled(colour, factor):
    return tuple(c * factor for c in colour)


def stops(colours, t):
    """Piecewise linear through equally spaced colours."""
    at = min(max(t, 0.0), 1.0) * (len(colours) - 1)
    i = min(int(at), len(colours) - 2)
    return mix(colours[i], colours[i + 1], at - i)


def curve(a, control, b, n=10):
    """n + 1 points of a quadratic Bezier curve."""
    return [tuple((1 - t) ** 2 * p + 2 * t * (1 - t) * q + t * t * r for p, q, r in zip(a, control, b)) for t in (i / n for i in range(n + 1))]


def ellipse(x, y, rx, ry, n=28):
    return [(x + rx * math.cos(2 * math.pi * i / n), y + ry * math.sin(2 * math.pi * i / n)) for i in range(n)]


def turned(points, x, y, degrees):
    """Points turned about (x, y)."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return [(x + (px - x) * c - (py - y) * s, y + (px - x) * s + (py - y) * c) for px, py in points]


def mirrored(points):
    return [(2 * MIDDLE - x, y) for x, y in points]


class Head:
    """The measures of one head."""

    def __init__(self, p):
        self.p = p
        self.half_width = 0.205 * p["face_width"]
        self.chin = 0.80 + 0.028 * p["chin"]
        self.squareness = 2.0 + 1.6 * p["jaw"]  # exponent of the jaw's curve
        self.cosine, self.sine = math.cos(math.radians(p["turn"])), math.sin(math.radians(p["turn"]))

    def at(self, points, depth):
        """The points as seen after the head's turn; depth in fractions of the picture, 0: the axis of the head."""
        return [(MIDDLE + (x - MIDDLE) * self.cosine + depth * self.sine, y) for x, y in points]

    def width(self, y, grow=0.0):
        """Half the head's width at height y; the outline is two halves that meet at the eyes."""
        if y < EYE_LINE:
            s = min(1.0, (EYE_LINE - y) / (EYE_LINE - TOP + grow))
            return (self.half_width + grow) * math.sqrt(max(0.0, 1 - s * s))
        s = min(1.0, (y - EYE_LINE) / (self.chin - EYE_LINE + grow))
        return (self.half_width + grow) * (1 - s ** self.squareness) ** 0.62

    def outline(self, begin, end, grow=0.0, n=24):
        """The right side of the outline from height `begin` to `end`."""
        heights = [begin + (end - begin) * (0.5 - 0.5 * math.cos(math.pi * i / n)) for i in range(n + 1)]
        return [(MIDDLE + self.width(y, grow), y) for y in heights]


def draw_body(canvas, head, skin, hair):
    p = head.p
    cloth, neck = canvas.material((0.20, 0.27, 0.38), 0), canvas.material(scaled(skin, 0.62), 0)
    if p["hair_style"] in ("bob", "long"):
        end = 0.80 if p["hair_style"] == "bob" else 1.0
        side = [(MIDDLE + head.half_width + 0.035, EYE_LINE), (MIDDLE + head.half_width + 0.055, 0.70), (MIDDLE + head.half_width + 0.03, end)]
        canvas.fill(head.at(side + mirrored(side)[::-1], -0.06), canvas.material(scaled(hair, 0.62), HAIR))
    canvas.fill([(0.41, 0.68), (0.59, 0.68), (0.60, 0.93), (0.40, 0.93)], neck)
    canvas.fill([(0.10, 1.0), (0.16, 0.93), (0.40, 0.885), (0.5, 0.93), (0.60, 0.885), (0.84, 0.93), (0.90, 1.0)], cloth)
    if p["hair_style"] in ("short", "bald"):
        ear = canvas.material(scaled(skin, 0.80), 0)
        for side in (-1, 1):
            canvas.fill(head.at(ellipse(MIDDLE + side * (head.half_width + 0.006), 0.50, 0.022, 0.05), -0.02), ear)


def draw_skull(canvas, head, skin):
    """The skin with its soft shading. Returns the clipping spans of the face."""
    right = head.outline(TOP, head.chin)
    outline = head.at(right + mirrored(right)[::-1], 0)
    clip, light = canvas.spans(outline), head.p["light"]
    for i in range(SHADES):
        t = i / (SHADES - 1)
        shade = canvas.material(mix(scaled(skin, 0.66), scaled(skin, 1.06), t), FACE)
        if i == 0:
            canvas.fill(outline, shade)
            continue
        x, y = MIDDLE + 0.14 * light * t + 0.12 * head.sine * t, 0.49 - 0.03 * t
        canvas.fill(ellipse(x, y, head.half_width * (1.12 - 0.42 * t - 0.12 * abs(light) * t), 0.345 - 0.135 * t), shade, clip)
    return clip


def draw_hair(canvas, head, hair):
    """The cap and the fringe, in front of the face."""
    if head.p["hair_style"] == "bald":
        return
    base, shine = canvas.material(hair, HAIR), canvas.material(mix(hair, (1, 1, 1), 0.16), HAIR)
    short = head.p["hair_style"] == "short"
    temple, arch, middle = (0.44, (0.17, 0.30), 0.305) if short else (0.52, (0.15, 0.36), 0.285)
    outer = head.outline(TOP - 0.05, temple, grow=0.035)
    half = outer + curve((MIDDLE + head.width(temple) - 0.012, temple), (MIDDLE + arch[0], arch[1]), (MIDDLE, middle), 8)
    for side in (half, mirrored(half)):
        canvas.fill(head.at(side, 0.02), base)
    x = MIDDLE + 0.06 * head.p["light"]
    band = curve((x - 0.13, 0.265), (x, 0.185), (x + 0.13, 0.265)) + curve((x + 0.13, 0.28), (x, 0.215), (x - 0.13, 0.28))
    canvas.fill(head.at(band, 0.02), shine, canvas.spans(head.at(outer + mirrored(outer)[::-1], 0.02)))


def draw_brow(canvas, head, side, colour):
    """side 0: the viewer's left. Returns 5 landmarks from left to right."""
    p = head.p
    x, y = MIDDLE + 0.108 * p["eye_spacing"], 0.392 - 0.020 * p["brow_height"]
    thick = 0.0085 * p["brow_thickness"]
    upper = curve((x - 0.058, y + 0.010 - thick), (x + 0.01, y - 0.024 - thick), (x + 0.066, y + 0.014), 8)
    lower = curve((x + 0.066, y + 0.014), (x + 0.01, y - 0.024 + thick), (x - 0.058, y + 0.010 + thick), 8)
    middle = curve((x - 0.058, y + 0.010), (x + 0.01, y - 0.024), (x + 0.066, y + 0.014), 4)
    shape, points = turned(upper + lower, x, y, -p["brow_tilt"]), turned(middle, x, y, -p["brow_tilt"])
    if side == 0:
        shape, points = mirrored(shape), mirrored(points)[::-1]
    canvas.fill(head.at(shape, 0.17), canvas.material(colour, BROWS[side]))
    return head.at(points, 0.17)


def draw_eye(canvas, head, side, skin, clip):
    """Returns 6 landmarks in the order of the 68-point scheme."""
    p, label = head.p, EYES[side]
    x, y, w, h = MIDDLE + 0.108 * p["eye_spacing"], EYE_LINE, 0.045 * (0.5 + 0.5 * p["eye_size"]), 0.021 * p["eye_size"]
    inner, outer = (x - w, y + 0.004), (x + w, y - 0.002)
    upper, lower = curve(inner, (x - 0.004, y - 2 * h), outer, 12), curve(inner, (x, y + 1.55 * h), outer, 12)
    lash = upper + curve((x + w + 0.006, y - 0.006), (x - 0.004, y - 2 * h - 0.016), (x - w - 0.002, y + 0.002), 12)
    crease = curve((x - w, y - 0.012), (x, y - 2 * h - 0.036), (x + w, y - 0.014)) + curve((x + w, y - 0.018), (x, y - 2 * h - 0.044), (x - w, y - 0.016))
    marks = [inner, upper[4], upper[8], outer, lower[8], lower[4]]  # as the right eye is counted
    shapes = [turned(s, x, y, -p["eye_tilt"]) for s in (upper + lower[::-1], lash, crease, marks, [(x, y - 0.003)])]
    socket = ellipse(x - 0.004, y - 0.012, 0.062, 0.044)
    if side == 0:
        shapes, socket = [mirrored(s) for s in shapes], mirrored(socket)
    white, lash, crease, marks, centre = [head.at(s, 0.15) for s in shapes]
    canvas.fill(head.at(socket, 0.15), canvas.material(scaled(skin, 0.80), FACE), clip)
    canvas.fill(crease, canvas.material(scaled(skin, 0.55), FACE), clip)
    canvas.fill(white, canvas.material((0.93, 0.93, 0.92), label))
    (cx, cy), inside = centre[0], canvas.spans(white)
    canvas.fill(ellipse(cx, cy, 0.0185, 0.0195), canvas.material((0.24, 0.31, 0.34), label), inside)
    canvas.fill(ellipse(cx, cy, 0.009, 0.0095, 16), canvas.material((0.03, 0.03, 0.04), label), inside)
    canvas.fill(ellipse(cx + 0.006 * (1 if p["light"] >= 0 else -1), cy - 0.007, 0.0042, 0.0042, 12), canvas.material((1, 1, 1), label), inside)
    canvas.fill(lash, canvas.material((0.08, 0.06, 0.06), label))
    return marks if side == 1 else [marks[3], marks[2], marks[1], marks[0], marks[5], marks[4]]


def draw_nose(canvas, head, skin):
    """Returns landmarks 27 to 35."""
    p = head.p
    w, base = 0.042 * p["nose_width"], EYE_LINE + 0.135 * p["nose_length"]
    bridge = [(MIDDLE + 0.014, EYE_LINE - 0.01), (MIDDLE + 0.017, base - 0.06), (MIDDLE + 0.030 * p["nose_width"], base - 0.028)]
    wing = curve(bridge[-1], (MIDDLE + 1.25 * w, base - 0.012), (MIDDLE + 0.7 * w, base + 0.006), 6)
    right = bridge + wing + [(MIDDLE + 0.2 * w, base + 0.013)]
    depth = 0.21
    canvas.fill(head.at(right + mirrored(right)[::-1], depth), canvas.material(scaled(skin, 0.97), NOSE))
    dark = right if p["light"] < 0 else mirrored(right)  # the side away from the light
    strength = 0.74 - 0.08 * abs(p["light"])
    canvas.fill(head.at(dark + [(MIDDLE + (0.006 if p["light"] < 0 else -0.006), base - 0.01)], depth), canvas.material(scaled(skin, strength), NOSE))
    canvas.fill(head.at(ellipse(MIDDLE, base - 0.022, 0.013, 0.014, 16), depth + 0.02), canvas.material(scaled(skin, 1.16), NOSE))
    under = curve((MIDDLE - 0.9 * w, base + 0.002), (MIDDLE, base + 0.022), (MIDDLE + 0.9 * w, base + 0.002)) + [(MIDDLE, base - 0.001)]
    canvas.fill(head.at(under, depth), canvas.material(scaled(skin, 0.70), NOSE))
    nostril = canvas.material(scaled(skin, 0.30), NOSE)
    for side in (-1, 1):
        canvas.fill(head.at(ellipse(MIDDLE + side * 0.5 * w, base + 0.002, 0.24 * w, 0.0062, 16), depth), nostril)
    marks = head.at([(MIDDLE, EYE_LINE - 0.005 + (base - 0.02 - EYE_LINE + 0.005) * i / 3) for i in range(4)], depth)
    return marks + head.at([(MIDDLE + x * w, base + y) for x, y in ((-0.9, 0.004), (-0.45, 0.010), (0, 0.013), (0.45, 0.010), (0.9, 0.004))], depth)


def draw_mouth(canvas, head, skin):
    """Returns landmarks 48 to 67."""
    p = head.p
    smile = p["smile"]
    w, y = 0.078 * p["mouth_width"] * (1 + 0.16 * smile), 0.676 - 0.016 * p["mouth_height"]
    up, low, gap = 0.0145 * p["lip_fullness"], 0.020 * p["lip_fullness"], 0.034 * max(0.0, smile - 0.15)
    left, right = (MIDDLE - w, y - 0.018 * smile), (MIDDLE + w, y - 0.018 * smile)

    def side_to_side(rise, peak, n=12):
        """From the left corner to the right one, through the middle `rise` below the line of the mouth; peak: the cupid's bow."""
        middle = y + rise
        half = curve((MIDDLE, middle), (MIDDLE + 0.22 * w, middle - 2 * peak), (MIDDLE + 0.36 * w, middle - peak), 4)[:-1] + \
            curve((MIDDLE + 0.36 * w, middle - peak), (MIDDLE + 0.72 * w, middle - 0.3 * peak + 0.2 * (right[1] - middle)), right, n // 2)
        return mirrored(half)[::-1] + half[1:]

    top, bottom = side_to_side(-up - 0.5 * gap, 0.004), side_to_side(low + gap, 0)
    inner_top, inner_bottom = side_to_side(-0.35 * gap, 0), side_to_side(gap, 0)
    lip = mix(scaled(skin, 0.84), (0.72, 0.16, 0.19), 0.25 + 0.6 * p["lip_redness"])
    depth = 0.18
    at = lambda points: head.at(points, depth)
    canvas.fill(at(ellipse(MIDDLE, y + low + gap + 0.017, 0.6 * w, 0.010)), canvas.material(scaled(skin, 0.78), FACE))
    canvas.fill(at(top + inner_top[::-1]), canvas.material(scaled(lip, 0.80), UPPER_LIP))
    canvas.fill(at(inner_bottom + bottom[::-1]), canvas.material(lip, LOWER_LIP))
    if gap > 0:
        canvas.fill(at(inner_top + inner_bottom[::-1]), canvas.material((0.28, 0.05, 0.06), INNER_MOUTH))
        teeth = [(x, min(y0 + 0.55 * gap, y1)) for (x, y0), (_, y1) in zip(inner_top, inner_bottom)]
        canvas.fill(at(inner_top[3:-3] + teeth[3:-3][::-1]), canvas.material((0.95, 0.94, 0.90), INNER_MOUTH))
    else:
        line = [(x, v + 0.0035) for x, v in inner_top]
        canvas.fill(at(inner_top + line[::-1]), canvas.material(scaled(lip, 0.42), UPPER_LIP))
    n = len(top) - 1

    def pick(points, shares):
        return [points[round(n * s)] for s in shares]

    outer = [left] + pick(top, (0.2, 0.36, 0.5, 0.64, 0.8)) + [right] + pick(bottom, (0.8, 0.64, 0.5, 0.36, 0.2))
    inner = [left] + pick(inner_top, (0.3, 0.5, 0.7)) + [right] + pick(inner_bottom, (0.7, 0.5, 0.3))
    return at(outer + inner)


def draw_face(parameters, size, supersample):
    """parameters: as in a request. Returns the canvas and the 68 landmarks."""
    p = parameters
    canvas, head = Canvas(size, supersample), Head(p)
    skin = stops(SKIN_STOPS, p["skin_tone"])
    hair = tuple(sum(share * HAIR_COLOURS[name][i] for name, share in p["hair_colour"].items()) for i in range(3))
    tone = 0.25 + 0.6 * p["backdrop"]
    canvas.material((tone, tone, 1.03 * tone), 0)
    draw_body(canvas, head, skin, hair)
    clip = draw_skull(canvas, head, skin)
    nose = draw_nose(canvas, head, skin)
    mouth = draw_mouth(canvas, head, skin)
    eyes = draw_eye(canvas, head, 0, skin, clip) + draw_eye(canvas, head, 1, skin, clip)
    draw_hair(canvas, head, hair)
    brow_colour = mix(scaled(hair, 0.6), scaled(skin, 0.35), 0.3)
    brows = draw_brow(canvas, head, 0, brow_colour) + draw_brow(canvas, head, 1, brow_colour)
    heights = [EYE_LINE + (head.chin - EYE_LINE) * s for s in (0.0, 0.16, 0.32, 0.48, 0.64, 0.79, 0.91, 0.98)]
    right = [(MIDDLE + head.width(y), y) for y in heights]
    jaw = head.at(mirrored(right) + [(MIDDLE, head.chin)] + right[::-1], 0)
    return canvas, jaw + brows + nose + eyes + mouth
