# SPDX-License-Identifier: GPL-3.0-or-later
"""Blend shape generation: the driver's shapes as shape keys of the target and its parts."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..core.arrays import AnyArray
from ..core.errors import shortly
from ..core.retarget.marks import SHAPED
from ..core.retarget.names import FOLLOWER, OPEN_MOUTH
from ..scene.blend_shapes import check_shapeable, kept_keys, put_keys_back, set_shape_keys
from ..scene.retarget_meshes import moves_to_local
from ..scene.transfer_live import EYES
from ..scene.transfer_meshes import hide_results, show_again
from .asking import Progress
from .transfer_setup import KINDS, Setup
from .transfer_source import driver_parts, source_arrays
from .transfer_steps import Known, Told, asked, known_of, pieces_of

KEYS_AT_ONCE, VERTICES_AT_ONCE = 4, 120_000  # of what one step writes


@dataclass(frozen=True)
class Shaped:
    """Shapes of one mesh: displacements (S, N, 3) in the world, and what is worth a look."""

    names: tuple[str, ...]
    moves: AnyArray
    notices: tuple[str, ...] = ()


def shapes_of(
    setup: Setup,
    known: Known,
    obj: Any,
    pieces: Mapping[str, AnyArray | None],
    start: float,
    share: float,
) -> Generator[Progress, None, Shaped]:
    """All shapes of a mesh of the target; ``pieces`` are its vertices that are no skin by kind,
    None for all of them."""
    args, arrays = source_arrays(driver_parts(setup.scene.get(), setup.mesh("driver")))
    count = len(obj.data.vertices)
    for place, vertices in enumerate(pieces.values()):
        whole = np.arange(count) if vertices is None else vertices
        arrays[f"piece_{place}"] = np.asarray(whole, np.int32)
    args |= {**known.args, "kinds": list(pieces), "smooth_level": setup.smooth_level}
    arrays |= {**known.arrays, **setup.arrays("target", obj)}
    ticket = yield from asked(setup, "shapes", args, arrays, start, share)
    names = ticket.result["names"]
    rows = [row for row, name in enumerate(names) if name != OPEN_MOUTH]
    return Shaped(
        tuple(names[row] for row in rows),
        ticket.arrays["moves"][rows],
        tuple(ticket.result["notices"]),
    )


def shapes_steps(setup: Setup) -> Generator[Progress, None, Told]:
    """Give the target and its parts the driver's shapes as shape keys, show them instead of the
    copies that followed the driver, and make them a character."""
    for each in (setup.meshes["target"], *setup.parts.values(), *setup.others):
        check_shapeable(each.get())
    known = yield from known_of(setup, 0.0, 0.3)
    pieces: dict[str, AnyArray | None] = {}
    pieces.update((yield from pieces_of(setup, 0.3, 0.05)))
    meshes: list[tuple[Any, Mapping[str, AnyArray | None]]] = [(setup.meshes["target"], pieces)]
    meshes += [(part, {KINDS[name]: None}) for name, part in setup.parts.items()]
    meshes += [(other, {FOLLOWER: None}) for other in setup.others]
    shaped = []
    for place, (mesh, own) in enumerate(meshes):
        start, share = 0.35 + 0.55 * place / len(meshes), 0.55 / len(meshes)
        found = yield from shapes_of(setup, known, mesh.get(), own, start, share)
        shaped.append((mesh, found))
    replaced = []
    with ExitStack() as undo:
        for mesh, found in shaped:
            replaced += yield from _written(setup, mesh, found, undo)
        undo.pop_all()
    for mesh, _found in shaped:
        keys: Any = mesh.get().data.shape_keys
        if keys is not None:
            keys[SHAPED] = True
    show_again(setup.id)
    hide_results(setup.id)
    _make_character(setup)
    count = sum(len(found.names) for _mesh, found in shaped[:1])
    notices = tuple(
        dict.fromkeys([*replaced, *(text for _mesh, found in shaped for text in found.notices)])
    )
    name = setup.mesh("target").name
    return Told(
        f"'{name}' has {count} blend shapes, {len(shaped) - 1} other meshes follow", notices
    )


def _written(
    setup: Setup, mesh: Any, found: Shaped, undo: ExitStack
) -> Generator[Progress, None, list[str]]:
    """Write the shape keys of one mesh, a few in each step; tells which of the user's own went."""
    obj = mesh.get()
    kept = kept_keys(obj, found.names)
    undo.callback(partial(_taken_back, mesh, kept, found.names))
    told = []
    if kept and SHAPED not in obj.data.shape_keys:
        told.append(f"Shape keys of '{obj.name}' were replaced: {shortly(list(kept))}.")
    local = (moves_to_local(obj, move) for move in found.moves)
    at_once = max(1, min(KEYS_AT_ONCE, VERTICES_AT_ONCE // max(1, len(obj.data.vertices))))
    for place, _key in enumerate(set_shape_keys(obj, found.names, local)):
        if place % at_once == 0:
            yield Progress(0.9 + 0.1 * place / len(found.names), "Writing shape keys")
            setup.still_there()
    return told


def _taken_back(mesh: Any, kept: Mapping[str, AnyArray], names: Sequence[str]) -> None:
    """The job ends early: keys are as they were."""
    obj = mesh.find()
    if obj is not None:
        put_keys_back(obj, kept, names)


def _make_character(setup: Setup) -> None:
    """Let the shown pipeline drive the target: by shape keys, its eyes as objects that turn."""
    chosen: Any = setup.scene.get().facewright
    target, parts = setup.mesh("target"), {name: p.get() for name, p in setup.parts.items()}
    character = next((one for one in chosen.characters if one.skin == target), None)
    if character is None:
        character = chosen.add_character(target.name, chosen.pipeline, target)
    for name in ("tongue", *EYES):
        if name in parts:  # else what the user has chosen for the character stays
            setattr(character, name, parts[name])
    listed = [each.object for each in character.others]
    followers = [each.get() for each in setup.others]
    for obj in (parts.get("lower_denture"), *followers):
        if obj is not None and obj.data.shape_keys is not None and obj not in listed:
            character.others.add().object = obj
