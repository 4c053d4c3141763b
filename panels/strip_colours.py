# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours of the waveform strip, from the user's theme where it has them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import bpy

Colour = tuple[float, float, float, float]

WHITE, BLACK = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)
# In the order of core.parameters.EMOTION_NAMES
EMOTIONS: tuple[Colour, ...] = (
    (0.98, 0.75, 0.27, 1.0),  # amazement
    (0.92, 0.36, 0.30, 1.0),  # anger
    (0.95, 0.55, 0.78, 1.0),  # cheekiness
    (0.56, 0.72, 0.30, 1.0),  # disgust
    (0.66, 0.52, 0.90, 1.0),  # fear
    (0.45, 0.55, 0.68, 1.0),  # grief
    (0.99, 0.88, 0.40, 1.0),  # joy
    (0.45, 0.80, 0.78, 1.0),  # out of breath
    (0.85, 0.45, 0.45, 1.0),  # pain
    (0.42, 0.62, 0.95, 1.0),  # sadness
)


@dataclass(frozen=True)
class Palette:
    """Colours by what they are for."""

    back: Colour
    outline: Colour
    well: Colour
    shade: Colour
    used: Colour
    text: Colour
    strong: Colour
    faint: Colour
    wave: Colour
    unused: Colour
    active: Colour
    playhead: Colour
    key: Colour
    emotions: tuple[Colour, ...]


def palette(context: bpy.types.Context) -> Palette:
    """The strip's colours in the user's theme, light or dark."""
    ui = context.preferences.themes[0].user_interface
    back, text = _rgb(ui.wcol_menu_back.inner), _rgb(ui.wcol_menu_back.text)
    chosen = _rgb(ui.wcol_regular.inner_sel)
    light = sum(back) > 1.5
    far = BLACK if light else WHITE
    wave = _mix(chosen, far, 0.25)
    return Palette(
        back=(*back, 0.92),
        outline=(*_mix(back, BLACK, 0.5), 0.9),
        well=(*_mix(back, BLACK, 0.35), 0.6),
        shade=(*_mix(back, far, 0.05), 0.6),
        used=(*chosen, 0.22),
        text=(*text, 1.0),
        strong=(*_mix(text, far, 0.7), 1.0),
        faint=(*_mix(text, back, 0.5), 1.0),
        wave=(*wave, 1.0),
        unused=(*_mix(text, back, 0.4 if light else 0.6), 1.0),
        active=(*_mix(chosen, far, 0.45), 1.0),
        playhead=(*_mix(text, far, 0.85), 1.0),
        key=(*_mix(text, far, 0.5), 1.0),
        emotions=tuple((*_mix(_rgb(each), BLACK, 0.4 if light else 0.0), 1.0) for each in EMOTIONS),
    )


def _rgb(colour: Iterable[float]) -> tuple[float, float, float]:
    red, green, blue = tuple(colour)[:3]
    return red, green, blue


def _mix(
    one: tuple[float, float, float], other: tuple[float, float, float], share: float
) -> tuple[float, float, float]:
    red, green, blue = (a + (b - a) * share for a, b in zip(one, other, strict=True))
    return red, green, blue
