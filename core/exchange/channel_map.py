# SPDX-License-Identifier: GPL-3.0-or-later
"""From one set of channels to another: each target is a clipped sum of sources times factors.

    {"schema": 1, "name": "...", "about": "...", "range": [0, 1],
     "targets": {"eyeBlinkL": {"eyeBlinkLeft": 1.0, "eyeWideLeft": -1.0}}}

``range`` may be missing ([0, 1]). A JSON file that people may read, edit and share.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import limits
from ..arrays import Floats
from ..errors import UserError
from ..safe_files import Json, read_json

SCHEMA = 1
MAX_FACTOR = 100.0
MAX_TERMS = 64  # sources of one target
_MENDING = "Mend the file or choose another."


@dataclass(frozen=True)
class ChannelMap:
    """``targets``: name of the target -> source -> factor, in the order of the targets.

    Targets are kept within ``lowest`` and ``highest``.
    """

    targets: Mapping[str, Mapping[str, float]]
    name: str = ""
    about: str = ""
    lowest: float = 0.0
    highest: float = 1.0

    @property
    def names(self) -> tuple[str, ...]:
        """The targets, in order."""
        return tuple(self.targets)

    @property
    def sources(self) -> tuple[str, ...]:
        """Every source that a target needs, in order of use."""
        return tuple(dict.fromkeys(name for row in self.targets.values() for name in row))

    def apply(self, names: Sequence[str], weights: Floats) -> Floats:
        """Targets (T, targets) float32 of weights (T, P) of ``names``; what is missing counts 0."""
        column = {name: index for index, name in enumerate(names)}
        matrix = np.zeros((len(names), len(self.targets)))
        for target, row in enumerate(self.targets.values()):
            for source, factor in row.items():
                if source in column:
                    matrix[column[source], target] = factor
        values = np.asarray(weights, np.float64) @ matrix
        return np.clip(values, self.lowest, self.highest).astype(np.float32)

    def missing(self, names: Sequence[str]) -> tuple[str, ...]:
        """Sources that ``names`` lack."""
        known = set(names)
        return tuple(name for name in self.sources if name not in known)

    def to_mapping(self) -> dict[str, Json]:
        """As it is written to a file; ``channel_map_from`` takes it back."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            "about": self.about,
            "range": [self.lowest, self.highest],
            "targets": {name: dict(row) for name, row in self.targets.items()},
        }


def read_channel_map(path: str | os.PathLike[str]) -> ChannelMap:
    """Read a mapping file. Raises UserError naming the file and what is wrong."""
    source = Path(path)
    return channel_map_from(read_json(source), str(source))


def channel_map_from(values: Mapping[str, Json], where: str) -> ChannelMap:
    """Check what a file holds. Raises UserError that names ``where`` and what is wrong."""
    if values.get("schema") != SCHEMA or isinstance(values.get("schema"), bool):
        raise UserError(
            f"{where} is no mapping that this version reads: its schema is not {SCHEMA}.", _MENDING
        )
    targets = values.get("targets")
    if not isinstance(targets, dict) or not targets or len(targets) > limits.MAX_POSES:
        raise UserError(f"{where}: targets has to name 1 to {limits.MAX_POSES} channels.", _MENDING)
    lowest, highest = _range(values.get("range", [0, 1]), where)
    return ChannelMap(
        {name: _row(name, row, where) for name, row in targets.items()},
        _text(values, "name", where),
        _text(values, "about", where),
        lowest,
        highest,
    )


def _row(name: str, row: Json, where: str) -> dict[str, float]:
    _check_name(name, where)
    if not isinstance(row, dict) or len(row) > MAX_TERMS:
        raise UserError(f"{where}: {name} has to be a table of at most {MAX_TERMS} factors.")
    for source, factor in row.items():
        _check_name(source, where)
        if not _is_number(factor) or abs(factor) > MAX_FACTOR:
            raise UserError(
                f"{where}: the factor of {source} in {name} has to be a number from "
                f"-{MAX_FACTOR:g} to {MAX_FACTOR:g}.",
                _MENDING,
            )
    return {source: float(factor) for source, factor in row.items()}


def _check_name(name: str, where: str) -> None:
    if not 0 < len(name) <= limits.MAX_POSE_NAME or not name.isprintable():
        raise UserError(f"{where}: {name[:20]!r} cannot be the name of a channel.", _MENDING)


def _range(value: Json, where: str) -> tuple[float, float]:
    fits = isinstance(value, list) and len(value) == 2 and all(_is_number(each) for each in value)
    if not fits or not -MAX_FACTOR <= value[0] < value[1] <= MAX_FACTOR:
        raise UserError(f"{where}: range has to be [lowest, highest].", _MENDING)
    return float(value[0]), float(value[1])


def _text(values: Mapping[str, Json], key: str, where: str) -> str:
    text = values.get(key, "")
    if not isinstance(text, str) or len(text) > 1000:
        raise UserError(f"{where}: {key} has to be a short text.", _MENDING)
    return text


def _is_number(value: Json) -> bool:
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    return good and math.isfinite(value)
