# SPDX-License-Identifier: GPL-3.0-or-later
"""A multiplier and an offset for each channel of what is written, as a JSON file, too.

    {"schema": 1, "clamp": true, "multipliers": {"jawOpen": 1.2}, "offsets": {"mouthClose": 0.05}}

A channel's value becomes ``w * multiplier + offset``, kept within 0..1 where ``clamp`` is on.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from .. import limits
from ..arrays import Floats
from ..errors import UserError
from ..face.track import FaceTrack
from ..files import write_text
from ..safe_files import Json, read_json

SCHEMA = 1
MOST = 100.0  # of a multiplier or an offset, either sign
_MENDING = "Mend the file or choose another."


@dataclass(frozen=True)
class Gains:
    """``multipliers`` (1 where none is named) and ``offsets`` (0) by channel; ``clamp`` keeps
    what comes of them within 0..1."""

    multipliers: Mapping[str, float] = field(default_factory=dict)
    offsets: Mapping[str, float] = field(default_factory=dict)
    clamp: bool = False

    @property
    def changes(self) -> bool:
        """Whether they can change anything."""
        return bool(
            self.clamp
            or any(value != 1.0 for value in self.multipliers.values())
            or any(value != 0.0 for value in self.offsets.values())
        )

    def of(self, name: str) -> tuple[float, float]:
        """Multiplier and offset of a channel."""
        return self.multipliers.get(name, 1.0), self.offsets.get(name, 0.0)

    def weights(self, names: Sequence[str], weights: Floats) -> Floats:
        """The weights (T, P) float32 of ``names`` with their gains."""
        if not self.changes:
            return weights
        factors = np.array([self.of(name) for name in names], np.float64).reshape(-1, 2)
        values = weights.astype(np.float64) * factors[:, 0] + factors[:, 1]
        if self.clamp:
            values = np.clip(values, 0.0, 1.0)
        return values.astype(np.float32)

    def apply(self, face: FaceTrack) -> FaceTrack:
        """A face with its weights changed; jaw, eyes and head are no weights."""
        return replace(face, weights=self.weights(face.names, face.weights))

    def to_mapping(self) -> dict[str, Json]:
        """As it is written to a file; ``gains_from`` takes it back."""
        return {
            "schema": SCHEMA,
            "clamp": self.clamp,
            "multipliers": dict(self.multipliers),
            "offsets": dict(self.offsets),
        }


NO_GAINS = Gains()


def read_gains(path: str | os.PathLike[str]) -> Gains:
    """Read a file of gains. Raises UserError naming the file and what is wrong."""
    source = Path(path)
    return gains_from(read_json(source), str(source))


def write_gains(path: str | os.PathLike[str], gains: Gains) -> None:
    """Write a file of gains, whole or not at all. Raises UserError."""
    write_text(path, json.dumps(gains.to_mapping(), indent=2, ensure_ascii=False) + "\n")


def gains_from(values: Mapping[str, Json], where: str) -> Gains:
    """Check what a file holds. Raises UserError that names ``where`` and what is wrong."""
    if values.get("schema") != SCHEMA or isinstance(values.get("schema"), bool):
        raise UserError(
            f"{where} is no file of gains that this version reads: its schema is not {SCHEMA}.",
            _MENDING,
        )
    clamp = values.get("clamp", False)
    if not isinstance(clamp, bool):
        raise UserError(f"{where}: clamp has to be true or false.", _MENDING)
    return Gains(_table(values, "multipliers", where), _table(values, "offsets", where), clamp)


def _table(values: Mapping[str, Json], key: str, where: str) -> dict[str, float]:
    table = values.get(key, {})
    if not isinstance(table, dict) or len(table) > limits.MAX_POSES:
        raise UserError(f"{where}: {key} has to be a table of numbers by channel.", _MENDING)
    for name, value in table.items():
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or abs(value) > MOST:
            raise UserError(
                f"{where}: {key} of {name[:40]} has to be a number from -{MOST:g} to {MOST:g}.",
                _MENDING,
            )
        if len(name) > limits.MAX_POSE_NAME:
            raise UserError(f"{where}: {name[:20]!r} cannot be the name of a channel.", _MENDING)
    return {name: float(value) for name, value in table.items()}
