# SPDX-License-Identifier: GPL-3.0-or-later
"""What a script may say about emotion: six numbers and an override for each emotion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core.errors import UserError
from ..core.parameters import EMOTION_NAMES, Value, checked

_NUMBERS = (int, float, np.integer, np.floating)
# Argument here -> parameter of the table, whose range holds
_PARAMETERS = {
    "overall_strength": "overall_emotion_strength",
    "contrast": "detected_emotion_contrast",
    "max_emotions": "max_emotions",
    "smoothing": "live_blend",
    "override_strength": "preferred_strength",
}


@dataclass(frozen=True)
class EmotionParameters:
    """How detected and given emotions are mixed.

    ``overall_strength``  0 to 1, scales the emotions after they are mixed
    ``contrast``          0.3 to 3, spreads the detected emotions
    ``max_emotions``      1 to 6, so many of the strongest detected ones are kept
    ``smoothing``         0 to 1, share of the frame before in a detected emotion
    ``override_strength`` 0 detected emotions only, 1 overrides only
    ``overrides``         by emotion: None is not set, 0 is neutral, 1 is full. Values outside of
                          0 to 1 are ignored; everything else out of range is refused.

    Raises UserError naming the parameter or the emotion.
    """

    overall_strength: float = 0.6
    contrast: float = 1.0
    max_emotions: int = 3
    smoothing: float = 0.7
    override_strength: float = 0.5
    overrides: Mapping[str, float | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, parameter in _PARAMETERS.items():
            object.__setattr__(self, name, checked(parameter, getattr(self, name), name))
        object.__setattr__(self, "overrides", _set_overrides(self.overrides))

    @property
    def set_overrides(self) -> dict[str, float]:
        """The overrides that count, by emotion."""
        return {name: value for name, value in self.overrides.items() if value is not None}

    def settings(self) -> dict[str, Value]:
        """The five numbers by the names of ``core.parameters``."""
        return {parameter: getattr(self, name) for name, parameter in _PARAMETERS.items()}


def _set_overrides(overrides: Mapping[str, Any]) -> dict[str, float | None]:
    result: dict[str, float | None] = {}
    for name, value in overrides.items():
        if name not in EMOTION_NAMES:
            raise UserError(
                f"There is no emotion called {name!r}.", f"There are {', '.join(EMOTION_NAMES)}."
            )
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, _NUMBERS):
            raise UserError(f"The override of {name} has to be a number, not {value!r}.")
        if 0.0 <= value <= 1.0:  # never true of what is no number
            result[name] = float(value)
    return result
