# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences that are longer than a panel is wide: Blender cuts its labels, so they are broken."""

from __future__ import annotations

import textwrap
from typing import Any

import bpy

LETTER_PX = 6.0  # of the usual font, about
USUAL = 90  # letters in a line where the width is not known


def letters(context: Any, margin_px: float, least: int, most: int) -> int:
    """How many letters fit into a line of the region that is drawn, beside ``margin_px``."""
    region = getattr(context, "region", None)
    if region is None:
        return min(USUAL, most)
    width = region.width / context.preferences.system.ui_scale
    return int(min(max((width - margin_px) / LETTER_PX, least), most))


def draw_sentence(layout: bpy.types.UILayout, text: str, icon: str, width: int) -> None:
    """Draw a text in as many lines as it takes; the icon stands before the first."""
    column = layout.column(align=True)
    column.scale_y = 0.9
    for place, line in enumerate(textwrap.wrap(text, width, break_on_hyphens=False)):
        column.label(text=line, icon="BLANK1" if place else icon)
