# SPDX-License-Identifier: GPL-3.0-or-later
"""Emotion over time, as the network is given it.

Keys are linearly interpolated; before the first and after the last key the value is held (the
published SDK's emotion accumulator once it is closed). Values go to the network as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .arrays import AnyArray, Doubles, Floats
from .errors import UserError

if TYPE_CHECKING:
    from .models import Model


@dataclass(frozen=True)
class EmotionTrack:
    """Keys of an emotion vector.

    ``times_s``  (K,) float64 seconds, strictly increasing, K >= 1
    ``values``   (K, E) float32, one row per key in the order of the network's emotion names

    Raises UserError when keys are missing, not in order or not finite.
    """

    times_s: Doubles
    values: Floats

    def __post_init__(self) -> None:
        times, values = self.times_s, self.values
        if times.ndim != 1 or values.ndim != 2 or len(times) != len(values) or not len(times):
            raise UserError("Emotion keys need at least one key and one row of values per key.")
        if not (np.isfinite(times).all() and np.isfinite(values).all()):
            raise UserError("Emotion keys hold values that are not numbers.")
        if (np.diff(times) <= 0).any():
            raise UserError("Emotion keys are not in the order of their times.")

    def sample(self, times_s: AnyArray) -> Floats:
        """Values (T, E) float32 at ``times_s`` (T,) seconds."""
        columns = [np.interp(times_s, self.times_s, column) for column in self.values.T]
        if not columns:
            return np.zeros((len(times_s), 0), np.float32)
        return np.stack(columns, axis=1).astype(np.float32)


def constant(vector: Sequence[float] | AnyArray) -> EmotionTrack:
    """The same emotion (E,) for the whole take."""
    values = np.asarray(vector, np.float32).reshape(1, -1)
    return EmotionTrack(np.zeros(1, np.float64), values)


def implicit_vector(model: Model, shot: str, frame: int) -> Floats:
    """The model's learnt vector (I,) float32 for one frame of one shot of its database.

    An empty ``shot`` takes the database's first one. A model whose implicit part is empty gives an
    empty vector; one without a database gives zeros. Raises UserError for an unknown shot, naming
    some that exist, or a frame that the shot does not have.
    """
    length = model.info.implicit_length
    database = model.emotion_db
    if database is None or length == 0:
        return np.zeros(length, np.float32)
    name = shot or (database.names[0] if database.names else "")
    if name not in database.names:
        known = ", ".join(database.names[:6]) or "none"
        raise UserError(
            f"The model {model.name} has no source shot called {name!r}.",
            f"It has {known}{' and others' if len(database.names) > 6 else ''}.",
        )
    index = database.names.index(name)
    size = int(database.sizes[index])
    if not 0 <= frame < size:
        raise UserError(
            f"Source frame {frame} is not in the shot {name!r} of the model {model.name}.",
            f"The shot has the frames 0 to {size - 1}.",
        )
    return database.vectors[int(database.starts[index]) + frame]
