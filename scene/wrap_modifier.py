# SPDX-License-Identifier: GPL-3.0-or-later
"""The wrap as a modifier: put on, taken off, read, and looked after.

It works in a .blend without the extension. Where driver and driven mesh are no longer those that
were bound, because vertices came or went, the driven mesh rests until it is bound again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import bpy

from ..core.arrays import AnyArray
from ..core.retarget.pairs import SurfacePoints
from . import wrap_binding, wrap_nodes
from .versions import get_input, set_input

LABEL = "Facewright Wrap"

# Why a wrap does not move its mesh
NO_DRIVER = "NO_DRIVER"
OTHER_VERTICES = "OTHER_VERTICES"  # than when it was bound
OTHER_DRIVER_VERTICES = "OTHER_DRIVER_VERTICES"


@dataclass(frozen=True)
class WrapOptions:
    """How a mesh follows: up to which distance from the driver (m, as the world is when bound), in
    the tangent frame of the surface or in its own space, and how its movement is smoothed: steps of
    Blender's Blur Attribute with a weight for each neighbour (`core.retarget.smoothing`)."""

    use_max_distance: bool = False
    max_distance: float = 0.0
    face_tangent_space: bool = True
    smooth_steps: int = 0
    smooth_factor: float = 0.0


_INPUTS = {
    "use_max_distance": wrap_nodes.USE_MAX_DISTANCE,
    "max_distance": wrap_nodes.MAX_DISTANCE,
    "face_tangent_space": wrap_nodes.FACE_TANGENT_SPACE,
    "smooth_steps": wrap_nodes.SMOOTH_STEPS,
    "smooth_factor": wrap_nodes.SMOOTH_FACTOR,
}


def add_wrap(
    driven: bpy.types.Object,
    driver: bpy.types.Object,
    feet: SurfacePoints | None = None,
    options: WrapOptions | None = None,
    *,
    distances: AnyArray | None = None,
    weights: AnyArray | None = None,
    smooth: AnyArray | None = None,
    flat: bool = False,
) -> Any:
    """Let a mesh follow another, from how both rest where they stand now; returns the modifier.

    ``feet`` are points on the driver for each of the N vertices of the driven mesh; without them
    the nearest. ``distances`` (N,) from the driver's surface, in the world, are measured to the
    feet unless they are given. ``weights`` (N,) 0..1 say how far vertices follow, ``smooth`` (N,)
    0..1 how much of the smoothing they take; without them all wholly. ``flat`` frames are faster,
    and as good for a mesh that lies close to the driver. The modifier comes first, since it knows
    the vertices of the mesh itself. Raises UserError.
    """
    mesh: Any = driven.data
    if feet is None:
        feet, distances = wrap_binding.nearest(driven, driver)
    binding = wrap_binding.free_binding(mesh)
    wrap_binding.keep(driven, driver, feet, binding, distances, weights, smooth, flat)
    modifier: Any = driven.modifiers.new(LABEL, "NODES")
    modifier.node_group = wrap_nodes.wrap_group()
    set_input(modifier, wrap_nodes.DRIVER, driver)
    set_input(modifier, wrap_nodes.VERTICES, len(mesh.vertices))
    set_input(modifier, wrap_nodes.DRIVER_VERTICES, wrap_binding.known_counts(driver))
    set_input(modifier, wrap_nodes.BINDING_NAME, binding)
    set_input(modifier, wrap_nodes.SMOOTH_FRAMES, not flat)
    set_options(modifier, options or WrapOptions())
    driven.modifiers.move(len(driven.modifiers) - 1, 0)
    modifier.show_expanded = False
    renew_groups()
    return modifier


def wraps_of(driven: Any) -> list[Any]:
    """The wraps on an object, also those that are switched off."""
    return [each for each in driven.modifiers if is_wrap(each)]


def wrap_of(driven: Any) -> Any:
    """The wrap that moves an object; None when there is none."""
    return next((each for each in wraps_of(driven) if each.show_viewport), None)


def is_wrap(modifier: Any) -> bool:
    """Whether a modifier is a wrap of ours."""
    return modifier.type == "NODES" and wrap_nodes.is_wrap_group(modifier.node_group)


def driver_of(modifier: Any) -> Any:
    """The driver of a wrap; None when it is gone."""
    found = _given(modifier, wrap_nodes.DRIVER)
    return found if isinstance(found, bpy.types.Object) else None


def _given(modifier: Any, name: str) -> Any:
    """The value of an input; None where somebody has taken the input off the node group."""
    try:
        return get_input(modifier, name)
    except KeyError:
        return None


def options_of(modifier: Any) -> WrapOptions:
    """How a wrap follows."""
    given = {name: get_input(modifier, label) for name, label in _INPUTS.items()}
    return WrapOptions(
        use_max_distance=bool(given["use_max_distance"]),
        max_distance=float(given["max_distance"]),
        face_tangent_space=bool(given["face_tangent_space"]),
        smooth_steps=int(given["smooth_steps"]),
        smooth_factor=float(given["smooth_factor"]),
    )


def set_options(modifier: Any, options: WrapOptions) -> None:
    """Change how a wrap follows; nothing has to be bound again."""
    for name, label in _INPUTS.items():
        set_input(modifier, label, getattr(options, name))
    modifier.id_data.update_tag()


def change_options(modifier: Any, **changes: Any) -> None:
    """Change some of a wrap's options."""
    set_options(modifier, replace(options_of(modifier), **changes))


def remove_wrap(modifier: Any) -> None:
    """Take a wrap away with its attributes, and the node group with the last of them."""
    driven = modifier.id_data
    binding, group = _given(modifier, wrap_nodes.BINDING_NAME), modifier.node_group
    driven.modifiers.remove(modifier)
    wrap_binding.forget(driven.data, binding)
    if group.users == 0:
        bpy.data.node_groups.remove(group)


def fault_of(modifier: Any) -> str:
    """Why a wrap does not move its mesh; empty when it does."""
    driven, driver = modifier.id_data, driver_of(modifier)
    if driver is None or driver.type != "MESH":
        return NO_DRIVER
    if len(driven.data.vertices) != _given(modifier, wrap_nodes.VERTICES):
        return OTHER_VERTICES
    between = wrap_nodes.BETWEEN
    count = f"{between}{len(driver.data.vertices)}{between}"
    if not str(_given(modifier, wrap_nodes.DRIVER_VERTICES)).startswith(count):
        return OTHER_DRIVER_VERTICES
    return ""


def renew_groups() -> None:
    """Give wraps of older versions the present group, and take away groups that none uses."""
    old = [
        group
        for group in bpy.data.node_groups
        if group.library is None
        and wrap_nodes.is_wrap_group(group)
        and group[wrap_nodes.VERSION_KEY] < wrap_nodes.VERSION
    ]
    for obj in bpy.data.objects if old else ():
        for modifier in obj.modifiers:
            if modifier.type == "NODES" and modifier.node_group in old:
                _renew(modifier)
    for group in old:
        if group.users == 0:
            bpy.data.node_groups.remove(group)


def _renew(modifier: Any) -> None:
    names = (
        *(wrap_nodes.DRIVER, wrap_nodes.VERTICES, wrap_nodes.DRIVER_VERTICES),
        *(wrap_nodes.BINDING_NAME, wrap_nodes.SMOOTH_FRAMES, *_INPUTS.values()),
    )
    values = {name: _given(modifier, name) for name in names}
    modifier.node_group = wrap_nodes.wrap_group()
    for name, value in values.items():
        if value is not None:  # the older group had no such input
            set_input(modifier, name, value)
