"""Read a picture back: its strokes, what is written in it, and its frame."""

import xml.etree.ElementTree as ET

SVG = "{http://www.w3.org/2000/svg}"


def drawing(picture):
    return ET.fromstring(picture._repr_html_())


def shapes(picture, kind, **look):
    """Return the strokes of a kind, `rect` or `text`, with these attributes."""
    found = drawing(picture).iter(f"{SVG}{kind}")
    return [one for one in found if all(one.get(name) == value for name, value in look.items())]


def written(picture):
    return [words.text for words in shapes(picture, "text")]


def solid(picture):
    return [box for box in shapes(picture, "rect") if not box.get("stroke-dasharray")]


def dashed(picture):
    return [box for box in shapes(picture, "rect") if box.get("stroke-dasharray")]


def extent(stroke):
    """Return how far a box, a dot or a line of text reaches: left, top, right, bottom."""
    at = {name: float(value) for name, value in stroke.items() if name in NUMBERS}
    if stroke.tag == f"{SVG}rect":
        return at["x"], at["y"], at["x"] + at["width"], at["y"] + at["height"]
    if stroke.tag == f"{SVG}circle":
        return at["cx"] - at["r"], at["cy"] - at["r"], at["cx"] + at["r"], at["cy"] + at["r"]
    width = 0.61 * at["font-size"] * len(stroke.text)  # of monospaced letters
    left = at["x"] - {"start": 0, "middle": 0.5, "end": 1}[stroke.get("text-anchor")] * width
    half = at["font-size"] / 2
    return left, at["y"] - half, left + width, at["y"] + half


NUMBERS = {"x", "y", "width", "height", "cx", "cy", "r", "font-size"}
EXTENDED = {f"{SVG}{kind}" for kind in ("rect", "circle", "text")}


def extents(picture):
    return [extent(stroke) for stroke in drawing(picture).iter() if stroke.tag in EXTENDED]


def overlaps(picture):
    """Return every two lines of text that share a place."""
    lines = [(words.text, extent(words)) for words in shapes(picture, "text")]
    return [
        (text, other)
        for number, (text, (left, top, right, bottom)) in enumerate(lines)
        for other, (its_left, its_top, its_right, its_bottom) in lines[:number]
        if left < its_right and its_left < right and top < its_bottom and its_top < bottom
    ]
