# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences that are longer than a panel is wide: Blender cuts its labels, so they are broken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy

EM_PX = 10.9  # height of the usual font's letters with their room, at a resolution scale of 1
USUAL_PX = 600.0  # where the width is not known
WIDTHS = dict.fromkeys(" ijlI.,:;'!|", 0.28)  # in em; about, but never far too small
WIDTHS.update(dict.fromkeys('frt()[]/-1"', 0.39))
WIDTHS.update(dict.fromkeys("mwMW@%", 0.88))
SMALL, OTHERS = 0.59, 0.68


def room(context: Any, margin_px: float, most_px: float) -> float:
    """Pixels that a line of the drawn region has beside ``margin_px``, at a scale of 1."""
    region = getattr(context, "region", None)
    if region is None:
        return min(USUAL_PX, most_px)
    width: float = region.width / context.preferences.system.ui_scale
    return min(max(width - margin_px, 100.0), most_px)


def translated(text: str) -> str:
    """A text in the language of Blender's interface; as it is where that does not know it.

    For sentences that are filled in or broken afterwards: Blender looks up whole labels only."""
    return str(bpy.app.translations.pgettext_iface(text))


def draw_sentence(layout: bpy.types.UILayout, text: str, icon: str, room_px: float) -> None:
    """Draw a text in as many lines as it takes; the icon stands before the first."""
    column = layout.column(align=True)
    column.scale_y = 0.9
    for place, line in enumerate(wrapped(translated(text), room_px)):
        column.label(text=line, icon="BLANK1" if place else icon, translate=False)


def wrapped(text: str, room_px: float) -> Iterator[str]:
    """Break a text between words, and words that are longer than a line anywhere."""
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if width_px(longer) <= room_px:
            line = longer
            continue
        if line:
            yield line
        *whole, line = _pieces(word, room_px)
        yield from whole
    if line:
        yield line


def _pieces(word: str, room_px: float) -> Iterator[str]:
    piece = ""
    for letter in word:
        if piece and width_px(piece + letter) > room_px:
            yield piece
            piece = ""
        piece += letter
    yield piece


def width_px(text: str) -> float:
    """About how wide a text is at a resolution scale of 1."""
    letters = (WIDTHS.get(each, SMALL if each.islower() else OTHERS) for each in text)
    return EM_PX * sum(letters)
