# SPDX-License-Identifier: GPL-3.0-or-later
"""A blend shape conversion in steps: read the input, solve in the worker, bake the weights."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.arrays import AnyArray, Doubles
from ..core.errors import UserError, shortly
from ..core.solve.conversion import ConversionSettings
from ..properties.ids import find
from ..properties.poses import suit_mesh
from ..scene.channels import Channels, channels_of
from ..scene.conversion import Baked, bake_steps, unmark_frames
from ..scene.conversion_meshes import SAME, basis_steps, joined, limited, unsolved_of
from ..scene.conversion_parts import track_of
from ..scene.conversion_reader import (
    Reader,
    follow_arrays,
    near,
    same_reader,
    subdivided_steps,
    wrap_reader,
)
from ..scene.conversion_stage import Stage, Subdivision
from ..scene.joints import world
from ..scene.references import Reference, SceneChanged, reference
from ..scene.retarget_meshes import local_points
from ..scene.spans import Span
from .asking import Progress, ask, part_of
from .conversion_live import LIVE
from .conversion_parts import parts_of_target
from .conversion_status import marks_of, settings_of, solve_problem
from .lengths import length_text
from .pacing import Pace, told_of
from .rendering import until_rendered
from .transfer_steps import Told

AT_ONCE = 4  # frames that are held against the poses together
TELLING = 9  # frames, evenly over the range, that may tell the lips apart
READ, SOLVED, WRITTEN = 0.75, 0.9, 1.0  # shares of the whole
MOST_WORST = 5
READING = "Reading the input mesh"


@dataclass(frozen=True)
class Order:
    """A conversion as its job takes it."""

    scene: Reference
    source: Reference
    target: Reference
    conversion_id: str
    name: str
    neutral: str
    neutral_frame: int
    span: Span
    settings: ConversionSettings
    joined: str
    notices: tuple[str, ...]

    @property
    def conversion(self) -> Any:
        """The scene's conversion; raises SceneChanged when it is gone."""
        found = find(self.scene.get().facewright.conversions, self.conversion_id)
        if found is None:
            raise SceneChanged(f"Stopped: the conversion '{self.name}' no longer exists.")
        return found

    def still_there(self) -> None:
        """Raise SceneChanged when something of it is gone."""
        for obj in (self.source.get(), self.target.get()):
            if not obj.users_scene:
                raise SceneChanged(f"Stopped: '{obj.name}' was deleted.")
        _ = self.conversion


def order_of(scene: Any, conversion: Any, span: Span) -> Order:
    """Put a conversion together. Raises UserError for what can be seen at once."""
    suit_mesh(conversion)
    problem = solve_problem(conversion)
    if problem:
        raise UserError(f"{problem}.")
    left_out = unsolved_of(conversion.target)
    notices = []
    if left_out.muted:
        notices.append(f"Muted shape keys were left out: {shortly(left_out.muted)}.")
    if left_out.driven:
        notices.append(f"Shape keys with drivers were left out: {shortly(left_out.driven)}.")
    return Order(
        scene=reference(scene),
        source=reference(conversion.source),
        target=reference(conversion.target),
        conversion_id=conversion.id,
        name=conversion.name,
        neutral=conversion.neutral,
        neutral_frame=conversion.neutral_frame,
        span=span,
        settings=settings_of(conversion, left_out.names),
        joined=joined(conversion.source, conversion.target),
        notices=tuple(notices),
    )


def reader_steps(
    order: Order, stage: Stage, subdivision: Subdivision | None = None
) -> Generator[Progress, None, Reader]:
    """Find out how a frame of the input becomes a face of the blend shape mesh; with its
    ``subdivision`` for an input that is read as it is seen subdivided."""
    steps = basis_steps(order.target)
    basis = yield from told_of(steps, "Reading the shape keys", 0.0, 0.3)
    rest = local_points(order.source.get())
    if order.neutral == "FRAME":
        yield from until_rendered(0.3)
        rest = stage.expect(len(rest), order.neutral_frame).astype(np.float64)
    if order.joined == SAME:
        reader = same_reader(basis, rest, order.neutral)
        if subdivision is not None:
            reader = yield from _subdivided(reader, subdivision)
        return reader
    moves = yield from _telling_moves(order, stage, rest)
    rest = rest if subdivision is None else subdivision(rest)
    arrays = follow_arrays(order.source.get(), order.target.get(), rest)
    arrays["driver_moves"] = moves
    ticket = yield from part_of(ask("follow", {}, arrays, between=order.still_there), 0.5, 0.4)
    source, target, found = order.source.get(), order.target.get(), ticket.arrays
    steps = limited(basis, near(source, target, found))
    del source, target
    basis = yield from told_of(steps, "Reading the shape keys", 0.9, 0.1)
    return wrap_reader(order.source.get(), order.target.get(), basis, rest, found)


def _subdivided(reader: Reader, subdivision: Subdivision) -> Generator[Progress, None, Reader]:
    steps = subdivided_steps(reader, subdivision)
    return (yield from told_of(steps, "Subdividing the shape keys", 0.3, 0.7))


def _telling_moves(
    order: Order, stage: Stage, rest: Doubles
) -> Generator[Progress, None, AnyArray]:
    """How the input stands away from rest at some frames over its range (K, V, 3) float32."""
    frames = order.span.frames
    places = np.unique(np.linspace(0, len(frames) - 1, TELLING).round().astype(int))
    moves = np.empty((len(places), *rest.shape), np.float32)
    for row, frame in enumerate(frames[places]):
        yield from until_rendered(0.3)
        moves[row] = stage.expect(len(rest), frame) - rest
        yield Progress(0.3 + 0.2 * row / len(places), READING)
    return moves


def _read_steps(
    order: Order, stage: Stage, reader: Reader
) -> Generator[Progress, None, tuple[Doubles, Doubles]]:
    """Sides (T, P) and energies (T,) of all frames; the vertices are not kept."""
    frames, pace = order.span.frames, Pace()
    count = len(reader.base)
    sides = np.empty((len(frames), len(reader.basis.names)))
    energies = np.empty(len(frames))
    for at in range(0, len(frames), AT_ONCE):
        moves = []
        for place, frame in enumerate(frames[at : at + AT_ONCE]):
            yield from until_rendered(at / len(frames))
            order.still_there()
            moves.append(reader.moves(stage.expect(count, frame)))
            if pace.due:
                yield Progress((at + place) / len(frames), READING)
        part = slice(at, at + len(moves))
        sides[part], energies[part] = reader.read(np.stack(moves))
    return sides, energies


@dataclass(frozen=True)
class Solved:
    """Weights (T, P) of ``names``, residuals (T,) in the scene's unit, the worst frames' places."""

    names: tuple[str, ...]
    weights: AnyArray
    residuals: Doubles
    worst: AnyArray


def solve_steps(order: Order) -> Generator[Progress, None, Solved]:
    """Read the input and solve the clip; the scene stays as it is."""
    yield from until_rendered()
    stage = Stage(order.scene.get(), order.source.get())
    with closing(stage):
        reader = yield from part_of(reader_steps(order, stage), 0.0, 0.1)
        sides, energies = yield from part_of(_read_steps(order, stage, reader), 0.1, READ - 0.1)
    basis = reader.basis
    args = {
        "names": list(basis.names),
        "settings": order.settings.to_mapping(),
        "size2": basis.size2,
        "count": basis.count,
    }
    arrays = {"normal": basis.normal, "sides": sides, "energies": energies}
    asked = ask("convert", args, arrays, between=order.still_there)
    ticket = yield from part_of(asked, READ, SOLVED - READ)
    scale = abs(np.linalg.det(world(order.target.get())[:3, :3])) ** (1 / 3)
    return Solved(
        basis.names,
        ticket.arrays["weights"],
        np.asarray(ticket.arrays["residuals"], np.float64) * scale,
        ticket.arrays["worst"],
    )


def convert_steps(order: Order) -> Generator[Progress, None, Told]:
    """The whole: solve, then key the weights; what is known of the residual is kept."""
    solved = yield from solve_steps(order)
    return (yield from written_steps(order, solved))


def written_steps(order: Order, solved: Solved) -> Generator[Progress, None, Told]:
    """Keys on the blend shape mesh for what is solved."""
    baked = Baked(
        conversion_id=order.conversion_id,
        action_name=f"{order.target.get().name} {order.source.get().name}"[:50],
        names=solved.names,
        weights=solved.weights,
        frames=order.span.frames,
        step=float(order.span.step),
        residuals=solved.residuals,
    )
    yield from until_rendered(SOLVED)
    steps = bake_steps(order.target, baked, _parts(order, baked))
    notices = yield from told_of(steps, "Writing keyframes", SOLVED, WRITTEN - SOLVED)
    _remember(order, solved)
    return Told(_sentence(order, solved), (*order.notices, *notices))


def _parts(order: Order, baked: Baked) -> list[Channels]:
    """What moves with the blend shape mesh, as far as weights tell."""
    target = order.target.get()
    found = parts_of_target(order.scene.get(), target, order.source.get(), baked.names)
    if found is None:
        return []
    return channels_of(found, track_of(baked.names, baked.weights, order.span.rate))


def _remember(order: Order, solved: Solved) -> None:
    conversion = order.conversion
    LIVE.end(order.scene.get(), conversion)
    conversion.mean_residual = float(solved.residuals.mean())
    unmark_frames(order.scene.get(), marks_of(conversion))
    conversion.worst.clear()
    for place in solved.worst[:MOST_WORST]:
        worst = conversion.worst.add()
        worst.frame = float(order.span.frames[place])
        worst.residual = float(solved.residuals[place])


def _sentence(order: Order, solved: Solved) -> str:
    scene, place = order.scene.get(), int(np.argmax(solved.residuals))
    mean = length_text(scene, float(solved.residuals.mean()))
    worst = length_text(scene, float(solved.residuals[place]))
    return (
        f"{len(solved.names)} poses over {order.span.count} frames: mean {mean}, "
        f"worst {worst} at frame {order.span.frames[place]:g}"
    )
