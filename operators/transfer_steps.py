# SPDX-License-Identifier: GPL-3.0-or-later
"""The work of a character transfer in steps that never wait: pairs, fitting, and what the wrap
(`transfer_wrap`) and the shapes (`transfer_shapes`) begin with.

Each changes the scene only after all that was computed is there; closing a generator before its end
leaves the scene as it was.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.arrays import AnyArray, Doubles
from ..core.errors import shortly
from ..core.head import load_head
from ..core.retarget.landmarks import of_head
from ..core.retarget.names import OPEN_MOUTH
from ..core.retarget.pairs import SurfacePoints
from ..core.retarget.suggest import LOW
from ..providers.base import Ticket
from ..scene.correspondences import replace_pairs
from ..scene.joints import PART, world
from ..scene.retarget_meshes import (
    local_points,
    moves_to_world,
    shape_moves,
    standing_mesh,
    to_world,
)
from ..scene.template_head import ASSET
from ..scene.transfer_meshes import new_fitted
from .asking import Progress, ask, part_of
from .transfer_setup import Setup


@dataclass(frozen=True)
class Told:
    """What a job came to: one sentence, and what is worth a look."""

    sentence: str
    notices: tuple[str, ...] = ()


# ---- pairs


def suggest_steps(setup: Setup) -> Generator[Progress, None, Told]:
    """Propose pairs from the target's shape; those of the same names are replaced."""
    landmarks = of_head(load_head(ASSET))
    args = {"names": list(landmarks.names)}
    arrays = {
        **setup.arrays("driver"),
        **setup.arrays("target"),
        "driver_corners": landmarks.points.corners,
        "driver_shares": landmarks.points.shares,
    }
    ticket = yield from asked(setup, "suggest", args, arrays, 0.0, 1.0)
    target = SurfacePoints.of(ticket.arrays["target_corners"], ticket.arrays["target_shares"])
    replace_pairs(setup.transfer, ticket.result["names"], landmarks.points, target)
    unsure = [
        name
        for name, sure in zip(ticket.result["names"], ticket.arrays["confidence"], strict=True)
        if sure < LOW
    ]
    return Told(
        f"{len(target)} pairs were proposed: look at each and correct it",
        (f"Least sure: {shortly(unsure)}.",) if unsure else (),
    )


# ---- fitting


def fit_steps(setup: Setup) -> Generator[Progress, None, Told]:
    """Fit the driver to the target; the fitted mesh becomes the setup's."""
    args = {
        "iterations": setup.iterations,
        "stiffness": setup.stiffness,
        "names": [pair.name for pair in setup.transfer.pairs],
    }
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


# ---- the driver's shapes on the fitted mesh


@dataclass(frozen=True)
class Known:
    """What all that is made of a fitted mesh begins with: names and displacements (E, V, 3) of its
    shapes in the world, the last of them the OpenMouth mesh's, as arguments and arrays of jobs."""

    names: tuple[str, ...]
    args: dict[str, Any]
    arrays: dict[str, Any]

    @property
    def moves(self) -> AnyArray:
        """Displacements (E, V, 3) of the driver's own shapes on the fitted mesh."""
        found: AnyArray = self.arrays["moves"][: len(self.names)]
        return found


def known_of(setup: Setup, start: float, share: float) -> Generator[Progress, None, Known]:
    """Bring the driver's shapes over to the fitted mesh."""
    driver = setup.mesh("driver")
    names, own = shape_moves(driver)
    rest = standing_mesh(driver).points
    given = np.concatenate([moves_to_world(driver, own), (open_points(setup) - rest)[None]])
    given = given.astype(np.float32)
    args = {"names": [*names, OPEN_MOUTH]}
    with setup.fitted_in_place():
        fitted = setup.arrays("fitted")
    arrays = {
        **setup.arrays("driver"), "fitted_points": fitted["fitted_points"], "moves": given,
    }  # fmt: skip
    ticket = yield from asked(setup, "transfer", args, arrays, start, share)
    arrays = {
        **setup.arrays("driver"),
        **fitted,
        "driver_moves": given,
        "moves": ticket.arrays["moves"],
    }
    return Known(names, args, arrays)


def pieces_of(
    setup: Setup, start: float, share: float
) -> Generator[Progress, None, dict[str, AnyArray]]:
    """Vertices of the target's own mesh that are no skin, by what they are."""
    names, spots = _known_spots(setup)
    pairs = setup.target_pairs
    picked = np.take_along_axis(pairs.corners, pairs.shares.argmax(axis=1)[:, None], axis=1)[:, 0]
    args = {"names": names}
    arrays = {**setup.arrays("target"), "spots": spots, "picked": picked}
    ticket = yield from asked(setup, "parts", args, arrays, start, share)
    return {
        kind: ticket.arrays[f"piece_{place}"] for place, kind in enumerate(ticket.result["kinds"])
    }


def _known_spots(setup: Setup) -> tuple[list[str], Doubles]:
    """Names and places (K, 3) in the world of the target's known points: all where the driver is
    the template, else those of the pairs that have their names."""
    if setup.mesh("driver").get(PART) == "skin":
        landmarks = of_head(load_head(ASSET))
        with setup.fitted_in_place() as fitted:
            return list(landmarks.names), landmarks.points.on(standing_mesh(fitted).points)
    names = [pair.name for pair in setup.transfer.pairs]
    return names, setup.target_pairs.on(standing_mesh(setup.mesh("target")).points)


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
    return (yield from part_of(asking, start, share))
