# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets of the solve, in the schema of the published models' ``bs_skin_config.json``.

    {"blendshape_params": {"strengthL2regularization": 3.5, ..., "numPoses": 52,
                           "bsSolveActivePoses": [1, ...], ...},
     "facewright": {"poseNames": ["jawOpen", ...], "automaticTemplateSize": true,
                    "smoothing": "two_sided"}}

The second object is ours; with its names a preset fits a mesh whose poses are others or in another
order. Files without it are read too.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import UserError
from ..files import write_text
from ..json_fields import JsonFields
from ..limits import MAX_POSES
from ..models.model import SolveConfig
from ..models.solve_config import SECTION, paired, solve_config
from ..naming import ARKIT_NAMES, TONGUE_NAMES, match
from .basis import PoseNormal
from .conversion import AUTOMATIC, SMOOTHINGS, ConversionSettings, Smoothing, config_of
from .pose_table import LARGEST, LARGEST_ID, PoseTable

_OWN = "facewright"
_MENDING = "Mend the file or choose another."
_PUBLISHED_ORDERS = (ARKIT_NAMES, TONGUE_NAMES)
_LISTS = (
    *("bsSolveActivePoses", "bsSolveCancelPoses", "bsSolveSymmetryPoses"),
    *("bsWeightMultipliers", "bsWeightOffsets"),
)


@dataclass(frozen=True)
class SolvePreset:
    """What a file holds: ``names`` of its poses in its order, empty where it does not tell.

    ``automatic`` says that ``config.template_size`` is only what automatic came to where the file
    was written; ``smoothing`` None where the file does not tell.
    """

    names: tuple[str, ...]
    config: SolveConfig
    automatic: bool = False
    smoothing: Smoothing | None = None


@dataclass(frozen=True)
class Applied:
    """A preset on a mesh: ``settings`` with every pose of the mesh that the preset knows in the
    table, ``missing`` poses of the preset that the mesh lacks, ``untold`` poses of the mesh that
    the preset says nothing of (they are in use, without pairs)."""

    settings: ConversionSettings
    missing: tuple[str, ...]
    untold: tuple[str, ...]


def preset_of(basis: PoseNormal, settings: ConversionSettings) -> SolvePreset:
    """What to write of settings for a mesh's poses. Raises UserError as ``config_of``."""
    automatic = settings.template_size == AUTOMATIC
    return SolvePreset(basis.names, config_of(basis, settings), automatic, settings.smoothing)


def write_solve_preset(path: Path, preset: SolvePreset) -> None:
    """Write a preset, whole or not at all. Raises UserError."""
    config = preset.config
    params = {
        "strengthL2regularization": config.l2,
        "strengthL1regularization": config.l1,
        "strengthTemporalSmoothing": config.temporal,
        "strengthSymmetry": config.symmetry,
        "templateBBSize": config.template_size,
        "tolerance": 1e-10,
        "numPoses": len(config.active),
        "bsSolveActivePoses": [int(active) for active in config.active],
        "bsSolveCancelPoses": list(config.cancel_ids),
        "bsSolveSymmetryPoses": list(config.symmetry_ids),
        "bsWeightMultipliers": list(config.multipliers),
        "bsWeightOffsets": list(config.offsets),
    }
    own: dict[str, object] = {"automaticTemplateSize": preset.automatic}
    if preset.names:
        own["poseNames"] = list(preset.names)
    if preset.smoothing is not None:
        own["smoothing"] = preset.smoothing
    values = {SECTION: params, _OWN: own}
    write_text(path, json.dumps(values, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def read_solve_preset(path: Path) -> SolvePreset:
    """Read a preset, or the solver settings of a model folder.

    Ids that are not on exactly two poses are no pairs. Raises UserError with one sentence.
    """
    top = JsonFields.read(path, _MENDING)
    fields = top.section(SECTION)
    count = fields.integer("numPoses", 1, MAX_POSES, _length(fields))
    config = solve_config(fields, count, loose=True)
    if any(abs(value) > LARGEST for value in (*config.multipliers, *config.offsets)):
        raise UserError(f"{path}: multipliers and offsets have to be within {LARGEST:g}.", _MENDING)
    if max(*config.cancel_ids, *config.symmetry_ids) > LARGEST_ID:
        raise UserError(f"{path} has pair ids above {LARGEST_ID}.", _MENDING)
    own = top.section(_OWN) if _OWN in top.values else JsonFields(path, {}, _MENDING)
    names = own.names("poseNames", MAX_POSES, ())
    if names and len(names) != count:
        raise UserError(f"{path} names {len(names)} poses where it has {count}.", _MENDING)
    automatic = own.flag("automaticTemplateSize", False)
    return SolvePreset(names, config, automatic, _smoothing(own))


def _smoothing(own: JsonFields) -> Smoothing | None:
    name = own.text("smoothing", "")
    for known in SMOOTHINGS:
        if known == name:
            return known
    if name:
        raise UserError(f"{own.path}: there is no smoothing called {name!r}.", _MENDING)
    return None


def _length(fields: JsonFields) -> int | None:
    """The number of poses of a file that does not tell it: that of its first list."""
    lists = (fields.values.get(key) for key in _LISTS)
    return next((len(found) for found in lists if isinstance(found, list)), None)


def applied(
    preset: SolvePreset, names: Sequence[str], before: ConversionSettings | None = None
) -> Applied:
    """The settings that a preset gives a mesh with poses of these ``names``.

    Poses are found by name, whatever its spelling. A file without names has those of the published
    models where the mesh has most of them, else its poses are the mesh's in their order.
    ``before`` keeps its smoothing where the preset does not tell. Raises UserError when they do not
    fit.
    """
    known = preset.names or _published_names(preset, names)
    if known:
        targets = dict(match(known, names).pairs)
        if not targets:
            raise UserError(
                f"None of the preset's {len(known)} poses is on the mesh.",
                "Choose a preset or a mesh with the same pose names.",
            )
    elif len(preset.config.active) == len(names):
        known = tuple(names)
        targets = {name: (name,) for name in names}
    else:
        raise UserError(
            f"The preset is for {len(preset.config.active)} poses without names; the mesh has "
            f"{len(names)}.",
            "Choose a preset that names its poses, or a mesh with as many.",
        )
    source: dict[str, int] = {}
    for place, name in enumerate(known):
        for own in targets.get(name, ()):
            source.setdefault(own, place)
    config, usual = preset.config, before or ConversionSettings()
    settings = replace(
        usual,
        regularisation=config.l2,
        temporal=config.temporal,
        sparsity=config.l1,
        symmetry=config.symmetry,
        template_size=AUTOMATIC if preset.automatic else config.template_size,
        smoothing=preset.smoothing or usual.smoothing,
        table=_table(config, source),
    )
    missing = tuple(name for name in known if name not in targets)
    return Applied(settings, missing, tuple(name for name in names if name not in source))


def _published_names(preset: SolvePreset, names: Sequence[str]) -> tuple[str, ...]:
    for order in _PUBLISHED_ORDERS:
        if len(order) == len(preset.config.active):
            found = match(order, names).pairs
            return order if 2 * len(found) >= len(order) else ()
    return ()


def _table(config: SolveConfig, source: dict[str, int]) -> PoseTable:
    """All columns for the mesh's poses, given each one's place in the preset."""

    def pairs(ids: tuple[int, ...]) -> dict[str, int]:
        own = paired(tuple(ids[place] for place in source.values()))
        return dict(zip(source, own, strict=True))

    return PoseTable(
        active={name: config.active[place] for name, place in source.items()},
        cancel=pairs(config.cancel_ids),
        symmetry=pairs(config.symmetry_ids),
        multipliers={name: config.multipliers[place] for name, place in source.items()},
        offsets={name: config.offsets[place] for name, place in source.items()},
    )
