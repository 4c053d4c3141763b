# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the sample target into a scene: one object per part, none with shape keys."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import bpy
import numpy as np

from ..core.sample_target import SampleTarget, load_sample_target
from . import head_parts

NAME = "Sample Target"
ASSET = Path(__file__).resolve().parent.parent / "assets" / "sample_target.npz"
# A setup of pairs between the built-in head and this one.
PAIRS = ASSET.with_suffix(".json")
_TITLES = {
    "skin": NAME,
    "upper_denture": f"{NAME} Upper Teeth",
    "lower_denture": f"{NAME} Lower Teeth",
    "tongue": f"{NAME} Tongue",
    "eye_left": f"{NAME} Eye Left",
    "eye_right": f"{NAME} Eye Right",
    "lashes": f"{NAME} Lashes",
    "brows": f"{NAME} Brows",
    "hair": f"{NAME} Hair",
}


def add_sample_target(
    collection: bpy.types.Collection,
    location: Sequence[float] = (0.0, 0.0, 0.0),
    *,
    asset: Path | None = None,
) -> dict[str, bpy.types.Object]:
    """Add the head to a collection at a place in metres and give its objects by part name.

    The skin is the parent of all other parts. `UserError` without the asset.
    """
    target = load_sample_target(asset or ASSET)
    objects = {}
    for name, part in target.parts.items():
        origin = _origin(target, name)
        objects[name] = head_parts.add_part(part, _TITLES[name], origin, collection)
        objects[name].location = head_parts.place(origin)
    for name, obj in objects.items():
        if name != "skin":
            obj.parent = objects["skin"]
    objects["skin"].location = tuple(location)
    return objects


def _origin(target: SampleTarget, name: str) -> head_parts.Array:
    """Where a part's object has its origin, in the asset's space."""
    if name.startswith("eye_"):
        return target.eye_centres[("eye_right", "eye_left").index(name)]
    return np.zeros(3, dtype=np.float32)
