# SPDX-License-Identifier: GPL-3.0-or-later
"""The work of a character transfer in steps that never wait: suggest, fit, wrap, shapes.

Each changes the scene only after all that was computed is there; closing a generator before its end
leaves the scene as it was.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.arrays import AnyArray, Doubles
from ..providers.base import Ticket
from ..scene.blend_shapes import follow_values, set_shape_keys
from ..scene.joints import world
from ..scene.retarget_meshes import (
    local_points,
    moves_to_local,
    moves_to_world,
    shape_moves,
    standing_mesh,
    to_world,
)
from ..scene.transfer_meshes import new_fitted, remove_objects, results_of
from .asking import Progress, ask
from .transfer_setup import Setup

OPEN = "open mouth"  # the name of what no shape key is


@dataclass(frozen=True)
class Told:
    """What a job came to: one sentence, and what is worth a look."""

    sentence: str
    notices: tuple[str, ...] = ()


# ---- fitting


def fit_steps(setup: Setup) -> Generator[Progress, None, Told]:
    """Fit the driver to the target; the fitted mesh becomes the setup's."""
    args = {"iterations": setup.iterations, "stiffness": setup.stiffness}
    arrays = {
        **setup.arrays("driver"),
        **setup.arrays("target"),
        **setup.pair_arrays(),
        "open_points": open_points(setup),
    }
    ticket = yield from asked(setup, "fit", args, arrays, 0.0, 1.0)
    points = ticket.arrays["fitted"]
    fitted = new_fitted(setup.mesh("driver"), setup.mesh("target"), points, setup.id)
    setup.transfer.fitted = fitted
    return Told(f"'{fitted.name}' was fitted", tuple(ticket.result["notices"]))


def open_points(setup: Setup) -> Doubles:
    """The OpenMouth mesh's vertices (V, 3) in the world, had it its place where the driver has."""
    driver, opened = setup.mesh("driver"), setup.mesh("open_mouth")
    shift = world(driver)[:3, 3] - world(opened)[:3, 3]
    return to_world(opened, local_points(opened)) + shift


# ---- the wrap


def wrap_steps(setup: Setup) -> Generator[Progress, None, Told]:
    """Make the live chain: the driver moves the fitted mesh, which moves copies of the target."""
    names, moves = yield from moves_on_fitted(setup, 0.0, 0.5)
    skins = [setup.meshes["target"], *setup.others]
    bindings = []
    for place, each in enumerate(skins):
        start, share = 0.5 + 0.4 * place / len(skins), 0.4 / len(skins)
        binding = yield from bound(setup, each.get(), names, moves, start, share)
        bindings.append(binding)
    places = yield from part_places(setup, names, moves, 0.9, 0.1)
    setup.still_there()
    old = tuple(results_of(setup.id))
    remove_objects(old)
    give_shapes(setup, names, moves)
    result = live_copies(setup, [each.get() for each in skins], bindings, places)
    setup.transfer.result = result
    return Told(f"'{result.name}' follows the driver with {len(names)} expressions")


def moves_on_fitted(
    setup: Setup, start: float, share: float
) -> Generator[Progress, None, tuple[tuple[str, ...], AnyArray]]:
    """Names of the driver's shape keys and their displacements (E, V, 3) on the fitted mesh, in
    the world; the opening of the OpenMouth mesh is the last, without a name."""
    driver = setup.mesh("driver")
    names, own = shape_moves(driver)
    rest = standing_mesh(driver).points
    given = np.concatenate([moves_to_world(driver, own), (open_points(setup) - rest)[None]])
    arrays = {
        **setup.arrays("driver"),
        "fitted_points": standing_mesh(setup.mesh("fitted")).points,
        "moves": given.astype(np.float32),
    }
    args = {"names": [*names, OPEN]}
    ticket = yield from asked(setup, "transfer", args, arrays, start, share)
    return names, ticket.arrays["moves"]


def bound(
    setup: Setup,
    obj: Any,
    names: tuple[str, ...],
    moves: AnyArray,
    start: float,
    share: float,
) -> Generator[Progress, None, Any]:
    """Where each vertex of a mesh is held on the fitted mesh: the arrays of the job "bind"."""
    arrays = {
        **setup.arrays("fitted"),
        **setup.arrays("target", obj),
        "moves": moves,
    }
    args = {"names": [*names, OPEN]}
    ticket = yield from asked(setup, "bind", args, arrays, start, share)
    return ticket.arrays


def give_shapes(setup: Setup, names: tuple[str, ...], moves: AnyArray) -> None:
    """Give the fitted mesh the driver's shape keys, with the driver's values."""
    fitted = setup.mesh("fitted")
    for _key in set_shape_keys(fitted, names, moves_to_local(fitted, moves[: len(names)])):
        pass
    follow_values(fitted, setup.mesh("driver"), {name: name for name in names})


def asked(
    setup: Setup,
    job: str,
    args: dict[str, Any],
    arrays: dict[str, Any],
    start: float,
    share: float,
) -> Generator[Progress, None, Ticket]:
    """Let the worker do a part of the work, as long as all meshes are there."""
    asking = ask(job, args, arrays, between=setup.still_there)
    try:
        while True:
            now = next(asking)
            yield Progress(start + share * now.fraction, now.text)
    except StopIteration as end:
        ticket: Ticket = end.value
        return ticket
    finally:
        asking.close()
