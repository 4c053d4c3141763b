# SPDX-License-Identifier: GPL-3.0-or-later
"""The post wrap: the live chain from the driver over the fitted mesh to copies of the target."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

import numpy as np

from ..core.arrays import AnyArray
from ..core.retarget.names import FOLLOWER, JAW_OPEN
from ..core.retarget.pairs import Similarity
from ..core.retarget.rigid import JAW, hinged, lower_face
from ..scene.blend_shapes import check_shapeable, follow_values, set_shape_keys
from ..scene.retarget_meshes import moves_to_local
from ..scene.transfer_live import Held, follow, hold
from ..scene.transfer_meshes import new_result, remove_objects, results_of, show_again
from .asking import Progress
from .transfer_setup import KINDS, Setup
from .transfer_shapes import Shaped, shapes_of
from .transfer_source import DriverParts, driver_parts, jaw_opening
from .transfer_steps import Known, Told, asked, known_of, pieces_of

NONE = np.zeros(0, np.int32)
JAWED = ("lower_denture", "tongue")
PARTS = {kind: name for name, kind in KINDS.items()}


def wrap_steps(setup: Setup) -> Generator[Progress, None, Told]:
    """Make the live chain: the driver moves the fitted mesh, which moves copies of the target."""
    known = yield from known_of(setup, 0.0, 0.4)
    pieces = yield from pieces_of(setup, 0.4, 0.05)
    skins = [setup.meshes["target"], *setup.others]
    helds: list[tuple[Any, Mapping[str, AnyArray]]] = []
    notices: list[str] = []
    for place, each in enumerate(skins):
        start, share = 0.45 + 0.4 * place / len(skins), 0.4 / len(skins)
        obj = each.get()
        strands = np.arange(len(obj.data.vertices)) if place else pieces.pop(FOLLOWER, NONE)
        arrays = {
            **known.arrays,
            **setup.arrays("target", obj),
            "rooted": np.asarray(strands, np.int32),
        }
        ticket = yield from asked(setup, "bind", known.args, arrays, start, share)
        helds.append((each, ticket.arrays))
        if not place:  # of lashes it would say nothing
            notices = ticket.result["notices"]
    shaped = {}
    for place, (name, part) in enumerate(setup.parts.items()):
        start, share = 0.85 + 0.15 * place / len(setup.parts), 0.15 / len(setup.parts)
        whole = {KINDS[name]: None}
        shaped[name] = yield from shapes_of(setup, known, part.get(), whole, start, share)
    setup.still_there()
    check_shapeable(setup.mesh("fitted"))
    try:
        sentence = _made(setup, known, helds, pieces, shaped)
    except BaseException:
        _clear(setup)
        raise
    return Told(sentence, tuple(notices))


def _clear(setup: Setup) -> None:
    """Take the copies away that there are, and show what they stand for."""
    remove_objects(tuple(results_of(setup.id)))
    show_again(setup.id)


def _made(
    setup: Setup,
    known: Known,
    helds: Sequence[tuple[Any, Mapping[str, AnyArray]]],
    pieces: Mapping[str, AnyArray],
    shaped: Mapping[str, Shaped],
) -> str:
    """Put it all into the scene; returns the sentence."""
    driver, fitted = setup.mesh("driver"), setup.mesh("fitted")
    parts = driver_parts(setup.scene.get(), driver)
    over, hinge = _over(known), _hinge(known, driver)
    _clear(setup)
    for _key in set_shape_keys(fitted, known.names, moves_to_local(fitted, known.moves)):
        pass
    follow_values(fitted, driver, {name: name for name in known.names})
    rigid = {PARTS[kind]: own for kind, own in pieces.items() if kind in PARTS}
    copies: list[Any] = []
    for each, arrays in helds:
        held = Held(each.get(), arrays, {} if copies else pieces)
        is_skin = not copies
        level = setup.smooth_level if is_skin else 0
        copies.append(hold(held, fitted, setup.id, level, flat=is_skin))
    for name, vertices in rigid.items():
        _move(copies[0], name, parts, hinge if name in JAWED else over, vertices)
    for name, part in setup.parts.items():
        copy = new_result(part.get(), setup.id)
        copies.append(copy)
        moved = _move(copy, name, parts, hinge if name in JAWED else over, None)
        if name == "tongue" or not moved:
            _shape(copy, shaped[name], parts, JAW if moved else ())
    setup.transfer.result = copies[0]
    return f"'{copies[0].name}' follows the driver with {len(known.names)} expressions"


def _over(known: Known) -> Similarity:
    """What leads from the driver's lower face to the target's."""
    opening = known.arrays["driver_moves"][known.names.index(JAW_OPEN)]
    return lower_face(known.arrays["driver_points"], known.arrays["fitted_points"], opening)


def _hinge(known: Known, driver: Any) -> Similarity:
    """The same for what hangs on the jaw."""
    row = known.names.index(JAW_OPEN)
    points, own = known.arrays["driver_points"], known.arrays["driver_moves"][row]
    motion = jaw_opening(driver, points, own)
    return hinged(_over(known), motion, known.arrays["fitted_points"], known.moves[row])


def _move(
    copy: Any, name: str, parts: DriverParts, over: Similarity, vertices: AnyArray | None
) -> bool:
    """Let a copy, or some of its vertices, follow the driver's own part; False where it has none.

    The tongue goes with the lower teeth.
    """
    part = parts.jaw if name in JAWED else getattr(parts, name)
    if part is None:
        return False
    follow(copy, name, (parts.skin, part), over, vertices)
    return True


def _shape(copy: Any, shaped: Shaped, parts: DriverParts, but: Sequence[str]) -> None:
    """Give a part's copy those shapes that some mesh of the driver has, with its values."""
    owners = {"tongue": parts.tongue, "skin": parts.skin}
    for owner in (each for each in owners.values() if each is not None):
        theirs = owner.data.shape_keys.key_blocks
        rows = [row for row, name in enumerate(shaped.names) if name in theirs and name not in but]
        if not rows:
            continue
        names = [shaped.names[row] for row in rows]
        for _key in set_shape_keys(copy, names, moves_to_local(copy, shaped.moves[rows])):
            pass
        follow_values(copy, owner, {name: name for name in names})
