# SPDX-License-Identifier: GPL-3.0-or-later
"""Shape keys in bulk: new or renewed ones on a mesh, and drivers that copy another mesh's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import bpy
import numpy as np

from ..core.arrays import AnyArray
from ..core.errors import UserError
from ..core.naming import TONGUE_NAMES
from .references import reference
from .retarget_meshes import local_points

BASIS = "Basis"
TONGUE_SLIDER_MAX = 3.0  # multipliers of tongue poses legally reach 3


def check_shapeable(obj: bpy.types.Object) -> None:
    """Raise UserError where a mesh cannot be given relative shape keys."""
    mesh: Any = obj.data
    if not mesh.is_editable or not obj.is_editable:
        raise UserError(
            f"'{obj.name}' is linked from another file.", "Make a local copy of it first."
        )
    if obj.mode != "OBJECT":
        raise UserError(f"'{obj.name}' is being edited.", "Go back to Object Mode first.")
    if mesh.shape_keys is not None and not mesh.shape_keys.use_relative:
        raise UserError(f"The shape keys of '{obj.name}' are absolute.", "Switch on Relative.")


def set_shape_keys(
    obj: bpy.types.Object, names: Sequence[str], moves: Iterable[AnyArray]
) -> Iterator[None]:
    """Give a mesh shape keys with displacements (V, 3) of its own space for each, one in each step.

    Keys of these names are renewed and keep their values; others stay.
    """
    check_shapeable(obj)
    mesh: Any = obj.data
    if mesh.shape_keys is None:
        obj.shape_key_add(name=BASIS)
    rest = local_points(obj)
    for name, move in zip(names, moves, strict=True):
        key: Any = mesh.shape_keys.key_blocks.get(name)
        if key is None:
            key = obj.shape_key_add(name=name, from_mix=False)
            key.value = 0.0  # Blender 5.0 makes it 1
            key.slider_max = TONGUE_SLIDER_MAX if name in TONGUE_NAMES else 1.0
        key.points.foreach_set("co", (rest + move).astype(np.float32).ravel())
        yield
    mesh.update()


def kept_keys(obj: bpy.types.Object, names: Sequence[str]) -> dict[str, AnyArray]:
    """Places (3 V,) of those shape keys of these names that a mesh has, to be put back."""
    keys: Any = obj.data.shape_keys
    kept = {}
    for name in names:
        block = keys.key_blocks.get(name) if keys is not None else None
        if block is not None:
            kept[name] = np.empty(len(block.points) * 3, np.float32)
            block.points.foreach_get("co", kept[name])
    return kept


def put_keys_back(
    obj: bpy.types.Object, kept: Mapping[str, AnyArray], names: Sequence[str]
) -> None:
    """Give kept shape keys their places again and take the others of these names away."""
    remove_shape_keys(obj, [name for name in names if name not in kept])
    for name, places in kept.items():
        obj.data.shape_keys.key_blocks[name].points.foreach_set("co", places)


def remove_shape_keys(obj: bpy.types.Object, names: Sequence[str]) -> None:
    """Take these shape keys away, and the basis when nothing else is left."""
    mesh: Any = obj.data
    for name in names:
        block = mesh.shape_keys.key_blocks.get(name) if mesh.shape_keys else None
        if block is not None and block != mesh.shape_keys.reference_key:
            obj.shape_key_remove(block)
    if mesh.shape_keys is not None and len(mesh.shape_keys.key_blocks) == 1:
        obj.shape_key_clear()


def clear_shape_keys(obj: bpy.types.Object) -> None:
    """Take all shape keys off a mesh that nobody else uses."""
    keys: Any = getattr(obj.data, "shape_keys", None)
    if keys is None:
        return
    known = reference(keys)
    obj.shape_key_clear()
    left = known.find()  # Blender before 5.0 leaves those of a copied mesh behind, and complains
    if left is not None:  # about them whenever the file is saved
        bpy.data.batch_remove([left])


def follow_values(
    obj: bpy.types.Object, source: bpy.types.Object, pairs: Mapping[str, str]
) -> None:
    """Let shape keys of a mesh always have the value of another mesh's: ``{own: source's}``.

    The drivers need no Python, so they work in any .blend. They name the object, not its shape
    keys: it then comes along where the mesh is appended to another file.
    """
    own: Any = obj.data.shape_keys
    theirs: Any = source.data.shape_keys
    for name, wanted in pairs.items():
        block = own.key_blocks[name]
        block.driver_remove("value")
        driver = block.driver_add("value").driver
        driver.type = "SUM"
        variable = driver.variables.new()
        variable.targets[0].id_type = "OBJECT"
        variable.targets[0].id = source
        path = theirs.key_blocks[wanted].path_from_id("value")
        variable.targets[0].data_path = f"data.shape_keys.{path}"
