# SPDX-License-Identifier: GPL-3.0-or-later
"""The published schema of solver settings: the object ``blendshape_params`` of a JSON file."""

from __future__ import annotations

from collections import Counter

from .. import limits
from ..errors import UserError
from ..json_fields import JsonFields
from ..parameters import PARAMETERS
from .model import SolveConfig

SECTION = "blendshape_params"
PUBLISHED_SIZE = 54.7  # template size of files that do not say theirs, in cm
SMALLEST_SIZE = 1e-6  # of a template, in the unit of any mesh
_SMALLEST_OF_MODELS = 1.0


def solve_config(
    fields: JsonFields, poses: int, part: str = "skin", *, loose: bool = False
) -> SolveConfig:
    """Solver settings of ``poses`` poses from the fields of that object.

    ``loose`` takes what somebody's own file may hold: a template of any unit, and pair ids that are
    not on exactly two poses, which are none. Raises UserError naming file and field.
    """

    def strength(key: str, parameter: str, default: float) -> float:
        return fields.number(key, 0.0, PARAMETERS[f"{part}_{parameter}"].maximum, default)

    smallest = SMALLEST_SIZE if loose else _SMALLEST_OF_MODELS
    active = tuple(bool(n) for n in fields.numbers("bsSolveActivePoses", poses, 1.0))
    if not any(active):
        raise UserError(f"{fields.path}: no pose is active.")
    return SolveConfig(
        l1=strength("strengthL1regularization", "sparsity", 1.0),
        l2=strength("strengthL2regularization", "regularization", 3.5),
        temporal=strength("strengthTemporalSmoothing", "temporal", 0.0),
        symmetry=strength("strengthSymmetry", "symmetry", 100.0),
        template_size=fields.number(
            "templateBBSize", smallest, limits.MAX_COORDINATE, PUBLISHED_SIZE
        ),
        active=active,
        cancel_ids=_pairs(fields, "bsSolveCancelPoses", poses, loose),
        symmetry_ids=_pairs(fields, "bsSolveSymmetryPoses", poses, loose),
        multipliers=_amounts(fields, "bsWeightMultipliers", poses, 1.0),
        offsets=_amounts(fields, "bsWeightOffsets", poses, 0.0),
    )


def paired(ids: tuple[int, ...]) -> tuple[int, ...]:
    """The same ids where each is on exactly two poses, -1 for all others."""
    times = Counter(ids)
    return tuple(number if number >= 0 and times[number] == 2 else -1 for number in ids)


def _pairs(fields: JsonFields, key: str, poses: int, loose: bool) -> tuple[int, ...]:
    """Pair ids of the poses: each id but -1 has to stand for exactly two of them."""
    ids = fields.integers(key, poses, -1)
    for number, times in Counter(ids).items():
        if number >= 0 and times != 2 and not loose:
            raise UserError(
                f"{fields.path}: {key} has the id {number} {times} times; a pair is two poses."
            )
    return paired(ids)


def _amounts(fields: JsonFields, key: str, poses: int, default: float) -> tuple[float, ...]:
    amounts = fields.numbers(key, poses, default)
    if any(abs(amount) > limits.MAX_COORDINATE for amount in amounts):
        raise UserError(f"{fields.path}: {key} holds values that are too large.")
    return amounts
