# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's own solver settings per pose, over those of a model's rig.

A pose that is not named keeps what the model says. Names are the rig's own, in any case.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from ..errors import UserError
from ..models.model import BlendShapeRig, SolveConfig
from ..parameters import Settings

Part = Literal["skin", "tongue"]
LARGEST = 1_000.0  # of a multiplier or an offset, either sign
LARGEST_ID = (1 << 31) - 1  # of a pair
_COLUMNS = ("active", "cancel", "symmetry", "multipliers", "offsets")
_Cell = TypeVar("_Cell", bool, int, float)


@dataclass(frozen=True)
class PoseTable:
    """What the user changed of one rig, by pose name.

    ``active``       whether the solve may use the pose
    ``cancel``, ``symmetry``  pair ids: two poses with the same id >= 0 are a pair, -1 is none
    ``multipliers``, ``offsets``  ``w * multiplier + offset`` after the solve
    """

    active: Mapping[str, bool] = field(default_factory=dict)
    cancel: Mapping[str, int] = field(default_factory=dict)
    symmetry: Mapping[str, int] = field(default_factory=dict)
    multipliers: Mapping[str, float] = field(default_factory=dict)
    offsets: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def from_mapping(cls, values: object, where: str = "the pose table") -> PoseTable:
        """Make a table of {column: {pose: value}} as ``to_mapping`` gives it; all may be left out.

        Raises UserError naming ``where``, the column and the pose.
        """
        columns = _mapping(values, where)
        for name in columns:
            if name not in _COLUMNS:
                raise UserError(
                    f"{where} has no column called {name!r}.", f"It has {', '.join(_COLUMNS)}."
                )
        return cls(
            active=_column(columns, "active", where, _truth),
            cancel=_column(columns, "cancel", where, _pair_id),
            symmetry=_column(columns, "symmetry", where, _pair_id),
            multipliers=_column(columns, "multipliers", where, _number),
            offsets=_column(columns, "offsets", where, _number),
        )

    def to_mapping(self) -> dict[str, dict[str, bool | int | float]]:
        """Columns that hold something, as plain values for JSON."""
        columns = {name: dict(getattr(self, name)) for name in _COLUMNS}
        return {name: values for name, values in columns.items() if values}


@dataclass(frozen=True)
class RigOverrides:
    """The tables of both rigs of a face."""

    skin: PoseTable = field(default_factory=PoseTable)
    tongue: PoseTable = field(default_factory=PoseTable)

    @classmethod
    def from_mapping(cls, values: object) -> RigOverrides:
        """Make it of {"skin": table, "tongue": table}; both may be left out. Raises UserError."""
        parts = _mapping(values, "the pose tables")
        for name in parts:
            if name not in ("skin", "tongue"):
                raise UserError(f"There is no rig called {name!r}.", "There are skin and tongue.")
        return cls(
            PoseTable.from_mapping(parts.get("skin", {}), "the skin's pose table"),
            PoseTable.from_mapping(parts.get("tongue", {}), "the tongue's pose table"),
        )

    def to_mapping(self) -> dict[str, dict[str, dict[str, bool | int | float]]]:
        """Plain values for JSON; ``from_mapping`` takes it back."""
        return {"skin": self.skin.to_mapping(), "tongue": self.tongue.to_mapping()}


def config_for(rig: BlendShapeRig, part: Part, settings: Settings, table: PoseTable) -> SolveConfig:
    """Solver settings of a rig: strengths of ``settings``, then per pose the user's or the model's.

    Raises UserError for poses that the rig does not have, pair ids that are not on exactly two
    poses, and when no pose is left to solve.
    """
    own = replace(
        rig.config,
        l1=float(getattr(settings, f"{part}_sparsity")),
        l2=float(getattr(settings, f"{part}_regularization")),
        temporal=float(getattr(settings, f"{part}_temporal")),
        symmetry=float(getattr(settings, f"{part}_symmetry")),
    )
    config = tabled(own, rig.names, table, part)
    for kind, ids, changed in (
        ("cancel", config.cancel_ids, table.cancel),
        ("symmetry", config.symmetry_ids, table.symmetry),
    ):
        if changed:
            _check_pairs(kind, ids, rig.names, part)
    return config


def tabled(
    own: SolveConfig, names: tuple[str, ...], table: PoseTable, whose: str = "mesh"
) -> SolveConfig:
    """``own`` with what a table says of the poses of these names; ``whose`` is for the sentences.

    A name is looked for as it is spelt, then in any case. Raises UserError for poses that are not
    there, and when no pose is left to solve.
    """
    active = _merged(names, own.active, table.active, whose)
    if not any(active):
        raise UserError(f"No pose of the {whose} is in use.", "Switch at least one on.")
    return replace(
        own,
        active=active,
        cancel_ids=_merged(names, own.cancel_ids, table.cancel, whose),
        symmetry_ids=_merged(names, own.symmetry_ids, table.symmetry, whose),
        multipliers=_merged(names, own.multipliers, table.multipliers, whose),
        offsets=_merged(names, own.offsets, table.offsets, whose),
    )


def _merged(
    names: tuple[str, ...], own: tuple[_Cell, ...], changes: Mapping[str, _Cell], whose: str
) -> tuple[_Cell, ...]:
    exact = {name: place for place, name in enumerate(names)}
    folded = {name.casefold(): place for name, place in exact.items()}
    merged = list(own)
    for name, value in changes.items():
        place = exact.get(name, folded.get(name.casefold()))
        if place is None:
            some = ", ".join(names[:6]) + (" and others" if len(names) > 6 else "")
            raise UserError(f"The {whose} has no pose called {name!r}.", f"It has {some}.")
        merged[place] = value
    return tuple(merged)


def _check_pairs(kind: str, ids: tuple[int, ...], names: tuple[str, ...], part: Part) -> None:
    for pair in sorted(set(ids) - {-1}):
        owners = [name for name, own in zip(names, ids, strict=True) if own == pair]
        if len(owners) != 2:
            raise UserError(
                f"The {kind} pair {pair} of the {part} is on {len(owners)} poses "
                f"({', '.join(owners[:4])}).",
                "A pair is exactly two poses.",
            )


def _mapping(values: object, where: str) -> Mapping[str, object]:
    if not isinstance(values, Mapping) or not all(isinstance(name, str) for name in values):
        raise UserError(f"{where} has to be a table of names and values.")
    return values


def _column(
    columns: Mapping[str, object], name: str, where: str, check: Callable[[object], _Cell | None]
) -> dict[str, _Cell]:
    cells: dict[str, _Cell] = {}
    for pose, value in _mapping(columns.get(name, {}), f"{where}: {name}").items():
        cell = check(value)
        if cell is None:
            raise UserError(f"{where}: {value!r} is no value for {name} of the pose {pose}.")
        cells[pose] = cell
    return cells


def _truth(value: object) -> bool | None:
    return bool(value) if isinstance(value, (bool, int)) and value in (0, 1) else None


def _pair_id(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if -1 <= value <= LARGEST_ID else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    number = float(value)
    return number if math.isfinite(number) and abs(number) <= LARGEST else None
