# SPDX-License-Identifier: GPL-3.0-or-later
"""Emotion over time, as the network is given it.

Keys are linearly interpolated; before the first key its value is held. An ``EmotionTrack`` is
whole: after its last key that one is held too. An ``EmotionAccumulator`` grows while a voice comes
in, so after its last key nothing is known until it is closed. Values go to the network as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .. import limits
from ..arrays import AnyArray, Doubles, Floats, Integers
from ..errors import UserError

if TYPE_CHECKING:
    from ..models.model import Model


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

    def until(self, end_s: float) -> EmotionTrack:
        """The same up to ``end_s`` seconds, where a key takes the place of those after it."""
        inside = self.times_s < end_s
        if not inside.any() or inside.all():
            return self
        times = np.append(self.times_s[inside], end_s)
        return EmotionTrack(times, np.concatenate([self.values[inside], self.sample(times[-1:])]))

    def samples(self) -> Integers:
        """Times of the keys (K,) int64 in samples at 16 kHz, rounded.

        Raises UserError when two keys would be at the same sample.
        """
        samples = np.floor(self.times_s * limits.SAMPLE_RATE + 0.5).astype(np.int64)
        if (np.diff(samples) <= 0).any():
            raise UserError("Emotion keys are closer together than a sample of the voice.")
        return samples


class EmotionAccumulator:
    """Emotion keys that come in one by one, at sample times (16 kHz) that only grow.

    ``size`` is the length of a key's vector. While it is open, a value is known up to the last key;
    once it is closed, the last key is held for ever.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.closed = False
        self._samples = np.zeros(0, np.int64)
        self._values = np.zeros((0, size), np.float32)
        self._new: list[tuple[int, Floats]] = []  # keys that are not in the arrays yet
        self._forgotten: int | None = None  # earliest sample that can still be read

    @classmethod
    def of(cls, track: EmotionTrack) -> EmotionAccumulator:
        """All keys of a track, closed. Raises UserError when two keys fall on one sample."""
        found = cls(track.values.shape[1])
        found._samples, found._values = track.samples(), track.values
        found.closed = True
        return found

    @property
    def last_sample(self) -> int | None:
        """When the last key is, None when there is none."""
        if self._new:
            return self._new[-1][0]
        return int(self._samples[-1]) if len(self._samples) else None

    def add(self, sample: int, values: Sequence[float] | AnyArray) -> None:
        """Add a key: its time and its (size,) values.

        Raises UserError when it is not later than the last key, has another length or values that
        are not numbers, or when no more keys can come.
        """
        row = np.asarray(values, np.float32)
        if self.closed:
            raise UserError("No emotion key can be added after the last one.")
        if row.shape != (self.size,) or not np.isfinite(row).all():
            raise UserError(f"An emotion key has to be {self.size} numbers.")
        last = self.last_sample
        if last is not None and sample <= last:
            raise UserError("Emotion keys are not in the order of their times.")
        self._new.append((int(sample), row.copy()))

    def close(self) -> None:
        """Say that no more keys come. Raises UserError when there is none to hold."""
        if self.last_sample is None:
            raise UserError("Emotion keys need at least one key.")
        self.closed = True

    def known(self, sample: int) -> bool:
        """Whether the value at ``sample`` is known already and still kept."""
        last = self.last_sample
        if last is None or (self._forgotten is not None and sample < self._forgotten):
            return False
        return self.closed or sample <= last

    def sample(self, samples: Integers) -> Floats:
        """Values (T, size) float32 at ``samples`` (T,). Raises UserError where none is known."""
        if not len(samples):
            return np.zeros((0, self.size), np.float32)
        if not (self.known(int(samples.min())) and self.known(int(samples.max()))):
            raise UserError("The emotion of that time is not known yet, or no longer.")
        self._take_in()
        columns = [np.interp(samples, self._samples, column) for column in self._values.T]
        rows = [np.zeros((len(samples), 0)), *(column[:, None] for column in columns)]
        return np.concatenate(rows, axis=1).astype(np.float32)

    def forget_before(self, sample: int) -> None:
        """Drop the keys that only matter before ``sample``; earlier times cannot be read then."""
        self._take_in()
        first = max(int(np.searchsorted(self._samples, sample, side="right")) - 1, 0)
        if first:
            self._samples, self._values = self._samples[first:], self._values[first:]
            self._forgotten = sample

    def _take_in(self) -> None:
        if self._new:
            times = np.array([sample for sample, _ in self._new], np.int64)
            rows = np.stack([row for _, row in self._new])
            self._samples = np.concatenate([self._samples, times])
            self._values = np.concatenate([self._values, rows])
            self._new.clear()


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


def expression_notices(model: Model, settings: Mapping[str, object]) -> tuple[str, ...]:
    """A sentence when a model lacks the database that it was trained with, or when the user's
    settings name a default expression that it cannot take."""
    if model.emotion_db is None and model.info.implicit_length:
        return (
            f"The model {model.name} names no database of expressions (emotionDatabasePath), so "
            "its default expression is not the one that it was trained with.",
        )
    chosen = settings.get("source_shot") or settings.get("source_frame")
    if not chosen or model.emotion_db is not None:
        return ()
    return (
        f"The model {model.name} has no database of expressions, so the source shot and frame have "
        "no effect.",
    )
