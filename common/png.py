"""Figures as small PNGs: a palette where the eye does not miss the other colours, words inside.

A PNG of ours holds the figure's name, caption and alt text as UTF-8 chunks, so a picture can be
moved without losing them, and a file that somebody else put beside it is told from ours.
"""

import io
import struct
import zlib
from pathlib import Path

from common import files

SIGNATURE = b"\x89PNG\r\n\x1a\n"
END = b"IEND\xaeB`\x82"
LARGEST, TEXT = 2**25, 2**16  # bytes of a figure, of a text in it
NAME, CAPTION, ALT = "Figure", "Title", "Description"
COLOURS = (64, 128, 256)
SEEN = 24  # of 255 in any channel: a difference that may be seen where many pixels have it
UNSEEN_SHARE = 1e-3  # of the pixels may differ so for fewer colours than 256
PALETTE_SHARE = 5e-3  # more than that with 256: the figure keeps all its colours


def write(png: bytes, *, name: str, caption: str, alt: str) -> bytes:
    """A figure's PNG with as few colours as look the same, and its words; no time stamp."""
    from PIL import Image, PngImagePlugin

    about = PngImagePlugin.PngInfo()
    for key, text in ((NAME, name), (CAPTION, caption), (ALT, alt)):
        about.add_itxt(key, text)
    with Image.open(io.BytesIO(png)) as image:
        small = _reduced(image.convert("RGB"))
    out = io.BytesIO()
    small.save(out, "png", optimize=True, pnginfo=about)
    return out.getvalue()


def _reduced(image):
    """The image with the fewest of COLOURS that look the same, or itself."""
    import numpy as np
    from PIL import Image, ImageChops

    for colours in COLOURS:
        small = image.quantize(colours, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        off = np.asarray(ImageChops.difference(image, small.convert("RGB"))).max(-1) > SEEN
        if off.mean() <= (PALETTE_SHARE if colours == COLOURS[-1] else UNSEEN_SHARE):
            return small
    return image


def words(file: Path) -> dict[str, str]:
    """{"name", "caption", "alt"} of a whole PNG of ours; {} of anything else."""
    try:
        said = _texts(files.content(file, LARGEST))
    except (files.FileError, ValueError, LookupError, struct.error, zlib.error):
        return {}
    if NAME not in said:
        return {}
    return {"name": said[NAME], "caption": said.get(CAPTION, ""), "alt": said.get(ALT, "")}


def _texts(png: bytes) -> dict[str, str]:
    """Keys and values of the iTXt chunks before the pixels; none of what has no end."""
    said: dict[str, str] = {}
    at = len(SIGNATURE)
    if not (png.startswith(SIGNATURE) and png.endswith(END)):
        return said
    while True:
        length, kind = struct.unpack_from(">I4s", png, at)
        if kind in (b"IDAT", b"IEND"):
            return said
        if kind == b"iTXt":
            key, _, rest = png[at + 8 : at + 8 + length].partition(b"\0")
            _, _, value = rest[2:].split(b"\0", 2)
            value = zlib.decompressobj().decompress(value, TEXT) if rest[0] else value
            said[key.decode("latin-1")] = value[:TEXT].decode()
        at += 12 + length  # with length, kind and checksum
