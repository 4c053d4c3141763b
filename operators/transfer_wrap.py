# SPDX-License-Identifier: GPL-3.0-or-later
"""The post wrap: the live chain from the driver over the fitted mesh to copies of the target."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..core.arrays import AnyArray
from ..core.retarget.names import FOLLOWER, JAW_OPEN
from ..core.retarget.pairs import Similarity
from ..core.retarget.rigid import JAW, hinged, lower_face
from ..scene.blend_shapes import check_shapeable, follow_values, set_shape_keys
from ..scene.references import Reference, reference
from ..scene.retarget_meshes import moves_to_local
from ..scene.transfer_live import Held, follow, hold, prepare_groups
from ..scene.transfer_meshes import (
    go_along,
    hide,
    join_family,
    name_result,
    new_result,
    remove_objects,
    remove_unused_groups,
    results_of,
    show_again,
)
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
    name = yield from _made(setup, known, helds, pieces, shaped)
    return Told(f"'{name}' follows the driver with {len(known.names)} expressions", tuple(notices))


def _made(
    setup: Setup,
    known: Known,
    helds: Sequence[tuple[Any, Mapping[str, AnyArray]]],
    pieces: Mapping[str, AnyArray],
    shaped: Mapping[str, Shaped],
) -> Generator[Progress, None, str]:
    """Put it all into the scene, a mesh in each step, then in place of what was there; returns the
    result's name."""
    setup.still_there()
    check_shapeable(setup.mesh("fitted"))
    before = [reference(each) for each in results_of(setup.id)]
    copies: list[tuple[Any, Reference]] = []
    try:
        prepare_groups()
        for make in _makers(setup, known, helds, pieces, shaped):
            yield Progress(1.0, "Making the live chain")
            setup.still_there()
            original, copy = make()
            copies.append((original, reference(copy)))
        yield Progress(1.0, "Making the live chain")
        setup.still_there()
        return _shown(setup, known, before, {first.get(): twin.get() for first, twin in copies})
    except BaseException:
        old = {each.uid for each in before}
        now = tuple(results_of(setup.id))
        remove_objects(each for each in now if reference(each).uid not in old)
        if not any(results_of(setup.id)):
            show_again(setup.id)
        remove_unused_groups()
        raise


def _makers(
    setup: Setup,
    known: Known,
    helds: Sequence[tuple[Any, Mapping[str, AnyArray]]],
    pieces: Mapping[str, AnyArray],
    shaped: Mapping[str, Shaped],
) -> Iterator[Callable[[], tuple[Reference, Any]]]:
    """What makes the copies, each with its original; the first is the result."""
    over, hinge = _over(known), _hinge(known, setup.mesh("driver"))
    rigid = {PARTS[kind]: own for kind, own in pieces.items() if kind in PARTS}

    def skin(each: Reference, arrays: Mapping[str, AnyArray], is_skin: bool) -> Any:
        parts = driver_parts(setup.scene.get(), setup.mesh("driver"))
        held = Held(each.get(), arrays, pieces if is_skin else {})
        level = setup.smooth_level if is_skin else 0
        with setup.fitted_in_place() as fitted:
            copy = hold(held, fitted, setup.id, level, flat=is_skin)
        for name, vertices in rigid.items() if is_skin else ():
            _move(copy, name, parts, hinge if name in JAWED else over, vertices)
        return each, copy

    def part(name: str, each: Reference) -> Any:
        parts = driver_parts(setup.scene.get(), setup.mesh("driver"))
        copy = new_result(each.get(), setup.id)
        moved = _move(copy, name, parts, hinge if name in JAWED else over, None)
        if name == "tongue" or not moved:
            _shape(copy, shaped[name], parts, JAW if moved else ())
        return each, copy

    for place, (each, arrays) in enumerate(helds):
        yield partial(skin, each, arrays, not place)
    for name, each in setup.parts.items():
        yield partial(part, name, each)


def _shown(
    setup: Setup, known: Known, before: Sequence[Reference], copies: Mapping[Any, Any]
) -> str:
    """Let the new copies stand for the target instead of those before; returns the result's
    name."""
    driver, fitted = setup.mesh("driver"), setup.mesh("fitted")
    go_along(fitted, setup.mesh("target"))
    for _key in set_shape_keys(fitted, known.names, moves_to_local(fitted, known.moves)):
        pass
    follow_values(fitted, driver, {name: name for name in known.names})
    result = next(iter(copies.values()))
    remove_objects(each for each in (one.find() for one in before) if each)
    go_along(fitted, result)
    show_again(setup.id)
    for original, copy in copies.items():
        hide(original, setup.id)
        name_result(copy, original)
    join_family(copies)
    setup.transfer.result = result
    return str(result.name)


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
