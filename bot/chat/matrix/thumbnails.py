"""A smaller picture for those who only glance at it. A server makes its own, but of an encrypted picture it cannot."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

from bot.talk import Picture

LARGE = (800, 600)  # what the spec asks servers for (https://spec.matrix.org/v1.15/client-server-api/#thumbnails)


def thumbnail(picture: Picture) -> Picture | None:
    """The picture made to fit into LARGE; None where it fits, or is no picture, or Pillow is not installed.

    It takes its time: not for the event loop. Pillow comes with what draws pictures.
    """
    if picture.width <= LARGE[0] and picture.height <= LARGE[1]:
        return None
    try:
        from PIL import Image

        with Image.open(BytesIO(picture.png), formats=["PNG"]) as image:
            image.thumbnail(LARGE)
            smaller = BytesIO()
            image.save(smaller, "PNG", optimize=True)
            return replace(picture, png=smaller.getvalue(), width=image.width, height=image.height)
    except (ImportError, OSError, ValueError):
        return None
