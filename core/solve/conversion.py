# SPDX-License-Identifier: GPL-3.0-or-later
"""Blend shape conversion: any moving mesh onto weights of any mesh's shape keys.

Blender's process reads each frame into sides and an energy (``basis_of``, ``sides_of``,
``energies_of``: numpy alone); the worker solves the clip (``convert``). For one frame at a time in
Blender's process there is ``live``.

**Strengths.** The solve's terms are multiplied by ``s = diagonal^2 / template_size^2``, which makes
them the same in any unit, but not for any number of vertices, nor for a head with its body. So
with ``template_size`` 0 (automatic) it is measured on the poses themselves: a typical pose (median
of |d|^2 of those that move something) alone loses 1 % of its weight at regularisation 3.5.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np

from ..arrays import Doubles, Floats, Integers
from ..errors import UserError
from ..limits import MAX_COORDINATE
from ..models.model import SolveConfig
from ..models.solve_config import SMALLEST_SIZE
from ..watch import Watch
from .basis import PoseBasis, PoseNormal, basis_of, energies_of, residuals, sides_of
from .blendshape import Solver, finish, prepare, solve_frames, start
from .pose_table import PoseTable, tabled
from .two_sided import solve_clip

# The door to the conversion: what reads a mesh is had here, too.
# fmt: off
__all__ = [
    "AUTOMATIC", "SMOOTHINGS", "ConversionSettings", "Converted", "PoseBasis", "PoseNormal",
    "Smoothing", "basis_of", "config_of", "convert", "energies_of", "sides_of", "typical_size",
    "worst_frames",
]
# fmt: on

Smoothing = Literal["two_sided", "causal", "sdk"]
SMOOTHINGS: tuple[Smoothing, ...] = get_args(Smoothing)
AUTOMATIC = 0.0
MAX_STRENGTH = 1_000.0
WORST_COUNT = 10
_STRENGTHS = ("regularisation", "temporal", "sparsity", "symmetry")
_TYPICAL = 3_500.0  # |d|^2 of a typical pose over s: 10 * 3.5 is 1 % of it
SILENT = 1e-9  # weights below it are none, as in the first of these solvers
_BLOCK = 128  # frames between two looks at the clock and the cancel button


@dataclass(frozen=True)
class ConversionSettings:
    """What the user sets; strengths 0..1000, the defaults are the panel's.

    ``regularisation``  stronger = smaller weights
    ``temporal``        stronger = fewer pops
    ``sparsity``        stronger = fewer active poses
    ``symmetry``        stronger = more equal pairs
    ``template_size``   diagonal that strengths are meant for, in the mesh's unit; 0 is automatic
    ``smoothing``       what ``temporal`` looks at: frames on both sides, those before, or those
                        before in the published SDK's way, which shrinks the weights
    ``table``           per pose: use, cancel and symmetry pairs, multiplier, offset. A pair id on
                        one pose or more than two is none
    """

    regularisation: float = 3.5
    temporal: float = 3.5
    sparsity: float = 1.0
    symmetry: float = 1.0
    template_size: float = AUTOMATIC
    smoothing: Smoothing = "two_sided"
    table: PoseTable = field(default_factory=PoseTable)

    @classmethod
    def from_mapping(cls, values: object) -> ConversionSettings:
        """Make it of what ``to_mapping`` gives; all may be left out. Raises UserError."""
        where = "the settings of the conversion"
        if not isinstance(values, Mapping):
            raise UserError(f"{where} have to be a table of names and values.")
        known = (*_STRENGTHS, "template_size", "smoothing", "table")
        for name in values:
            if name not in known:
                raise UserError(f"There is no setting called {name!r} in {where}.")
        smoothing = values.get("smoothing", "two_sided")
        if smoothing not in SMOOTHINGS:
            raise UserError(f"smoothing has to be one of {', '.join(SMOOTHINGS)}.")
        usual = cls()
        numbers = {name: _number(values, name, getattr(usual, name)) for name in _STRENGTHS}
        size = _number(values, "template_size", AUTOMATIC, MAX_COORDINATE)
        if 0 < size < SMALLEST_SIZE:
            raise UserError(f"template_size is {size:g}; it has to be at least {SMALLEST_SIZE:g}.")
        table = PoseTable.from_mapping(values.get("table", {}))
        return cls(**numbers, template_size=size, smoothing=smoothing, table=table)

    def to_mapping(self) -> dict[str, object]:
        """Plain values for JSON; ``from_mapping`` takes it back."""
        values: dict[str, object] = {name: getattr(self, name) for name in _STRENGTHS}
        values["template_size"] = self.template_size
        return {**values, "smoothing": self.smoothing, "table": self.table.to_mapping()}


@dataclass(frozen=True)
class Converted:
    """A clip's weights.

    ``weights``    (T, P) float32 of all poses, with multipliers and offsets
    ``residuals``  (T,) float64 root mean square distance of a vertex from where it should be, in
                   the mesh's unit, of the weights before multipliers and offsets
    ``worst``      (K,) int64 the frames that fit least, worst first: see ``worst_frames``
    """

    names: tuple[str, ...]
    weights: Floats
    residuals: Doubles
    worst: Integers


def convert(
    basis: PoseNormal,
    sides: Doubles,
    energies: Doubles,
    settings: ConversionSettings,
    watch: Watch | None = None,
) -> Converted:
    """Weights of a clip from sides (T, P) and energies (T,) of its frames, in their order.

    The same input gives the same weights to the bit. Raises UserError: no pose in use, poses that
    move nothing, a frame without finite positions (frames are counted from 1 in the sentence).
    """
    watch = watch or Watch()
    check_finite(sides, energies)
    config = config_of(basis, settings)
    watch.tell(0.0, "Solving the weights")
    solver, solved = _solved(basis, sides, config, settings.smoothing, watch)
    full = np.zeros(sides.shape)
    full[:, solver.active] = solved
    found = residuals(basis, sides, energies, full)
    track = finish(solver, config, solved)
    watch.tell(1.0, "Solving the weights")
    return Converted(track.names, track.values, found, worst_frames(found))


def config_of(basis: PoseNormal, settings: ConversionSettings) -> SolveConfig:
    """The solver's settings, pose by pose, for the poses of a mesh.

    Raises UserError for poses in the table that the mesh does not have, and when none is in use or
    none of those moves anything.
    """
    count = len(basis.names)
    plain = SolveConfig(
        l1=settings.sparsity,
        l2=settings.regularisation,
        temporal=settings.temporal,
        symmetry=settings.symmetry,
        template_size=settings.template_size or typical_size(basis),
        active=(True,) * count,
        cancel_ids=(-1,) * count,
        symmetry_ids=(-1,) * count,
        multipliers=(1.0,) * count,
        offsets=(0.0,) * count,
    )
    config = tabled(plain, basis.names, settings.table)
    if not np.diag(basis.normal)[np.flatnonzero(config.active)].any():
        raise UserError(
            "No pose in use moves any vertex of the mesh.", "Switch one on that moves something."
        )
    return config


def typical_size(basis: PoseNormal) -> float:
    """The template size that automatic stands for, in the mesh's unit: see the module."""
    squares = np.diag(basis.normal)
    moving = squares[squares > 1e-9 * squares.max(initial=0.0)]
    if not len(moving) or not basis.size2 > 0:
        return 1.0
    return math.sqrt(basis.size2 * _TYPICAL / float(np.median(moving)))


def worst_frames(residuals: Doubles, count: int = WORST_COUNT) -> Integers:
    """At most ``count`` frames (K,) int64 where the residual peaks above its mean, worst first.

    Of a run of frames that fit alike badly only the worst is named.
    """
    if not len(residuals):
        return np.zeros(0, np.int64)
    before = np.concatenate([[-np.inf], residuals[:-1]])
    after = np.concatenate([residuals[1:], [-np.inf]])
    peaks = np.flatnonzero(
        (residuals > before) & (residuals >= after) & (residuals > residuals.mean())
    )
    order = np.argsort(-residuals[peaks], kind="stable")
    return peaks[order][:count].astype(np.int64)


def check_finite(sides: Doubles, energies: Doubles) -> None:
    """Raise UserError that names the first frame without finite positions."""
    bad = np.flatnonzero(~(np.isfinite(sides).all(axis=1) & np.isfinite(energies)))
    if len(bad):
        raise UserError(
            f"Frame {bad[0] + 1} of {len(sides)} of the animated mesh has vertices without a "
            "finite position.",
            "Mend the animation there or leave the frame out of the range.",
        )


def _solved(
    basis: PoseNormal, sides: Doubles, config: SolveConfig, smoothing: Smoothing, watch: Watch
) -> tuple[Solver, Doubles]:
    """The solver, and the weights (T, P') of its active poses."""
    solver = prepare(basis, config, smoothing == "sdk")
    if smoothing == "two_sided" and solver.pull > 0:
        still = prepare(basis, replace(config, temporal=0.0))
        found = solve_clip(still, sides, solver.pull, watch)
    else:
        found = _one_after_the_other(solver, sides, watch)
    return solver, np.where(found < SILENT, 0.0, found)


def _one_after_the_other(solver: Solver, sides: Doubles, watch: Watch) -> Doubles:
    found, state = np.empty((len(sides), len(solver.active))), start(solver)
    for at in range(0, len(sides), _BLOCK):
        watch.tell(at / len(sides), "Solving the weights")
        part = slice(at, at + _BLOCK)
        found[part], state = solve_frames(solver, sides[part], state)
    return found


def _number(
    values: Mapping[str, object], name: str, usual: float, highest: float = MAX_STRENGTH
) -> float:
    value = values.get(name, usual)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UserError(f"{name} has to be a number.")
    if not 0.0 <= value <= highest:
        raise UserError(f"{name} is {value:g}; it has to be 0 to {highest:g}.")
    return float(value)
