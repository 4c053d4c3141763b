# SPDX-License-Identifier: GPL-3.0-or-later
"""A take's whole geometry on meshes of the network's topology, as point caches.

What is written are displacements: a vertex of the mesh is its own rest plus L (v - n), with v the
skin's or tongue's vertex after all post-processing (``stages``), n the model's neutral and L what
leads from the model's space to the mesh's. On the network's own neutral that is v itself; a mesh of
other proportions keeps its shape and moves as the network says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from ..arrays import AnyArray, Doubles, Floats
from ..errors import UserError
from ..exchange import pc2
from ..models.model import Model
from ..motion import at_rate
from ..retarget.pairs import similarity
from ..take import Take
from ..watch import Watch
from .stages import skin_vertices, tongue_vertices

Region = Literal["skin", "tongue"]
_STAGE = "Writing the vertices"
_FRAMES = 16  # brought into a mesh's space at once


@dataclass(frozen=True)
class Mover:
    """How a mesh follows the skin or the tongue of a model.

    ``rest``     (V, 3) float32 vertices at rest, in the mesh's own space
    ``lead``     (3, 3), or (V, 3, 3) for each vertex: from a displacement in the model's space to
                 one in the mesh's
    ``extra``    (P, V, 3) displacements in the mesh's space that are added by ``shares``; or None
    ``shares``   (T, P) how much of them in each frame of the take; or None
    """

    rest: Floats
    lead: Floats
    extra: Floats | None = None
    shares: Floats | None = None

    def frames(self, moves: Floats, first: int) -> Floats:
        """Vertices (n, V, 3) float32 for the model's displacements (n, V, 3) of the take's frames
        from ``first`` on."""
        if self.lead.ndim == 2:
            result = moves @ self.lead.T
        else:
            result = np.einsum("vij,nvj->nvi", self.lead, moves)
        if self.extra is not None and self.shares is not None:
            shares = self.shares[first : first + len(moves)]
            result += np.tensordot(shares, self.extra, 1)
        result += self.rest
        return result


def lead_to(neutral: AnyArray, rest: AnyArray) -> Doubles:
    """What leads (3, 3) from the model's space to a mesh's, from the model's neutral (V, 3) and the
    mesh's rest (V, 3): the turn and scale that fit best, so that no unit or axis needs to be known.

    Raises UserError for a mesh whose vertices all lie at one place.
    """
    found = similarity(neutral, rest)
    if not (np.isfinite(found.scale) and found.scale > 0):
        raise UserError("A mesh whose vertices all lie at one place cannot be moved.")
    return found.scale * found.turn


def own_mover(model: Model, region: Region, rest: Floats) -> Mover:
    """The mover of a mesh of the network's topology with vertices (V, 3) at rest.

    Raises UserError when it has not as many vertices as the network moves.
    """
    neutral = neutral_of(model, region)
    if len(rest) != len(neutral):
        raise UserError(
            f"The mesh has {len(rest)} vertices, but {model.name} moves {len(neutral)} "
            f"of the {region}.",
            "Choose a mesh of the network's topology.",
        )
    return Mover(np.asarray(rest, np.float32), lead_to(neutral, rest).astype(np.float32))


def neutral_of(model: Model, region: Region) -> Floats:
    """The model's vertices (V, 3) at rest."""
    return model.data.skin_neutral if region == "skin" else model.data.tongue_neutral


def displacements(take: Take, model: Model, region: Region) -> Iterator[Floats]:
    """Yield what moves from the neutral, (n, V, 3) float32 in the model's space, n <= 16, at the
    take's frames."""
    motion = at_rate(take.motion, take.face.fps, take.face.frame_count)
    vertices = skin_vertices if region == "skin" else tongue_vertices
    neutral = neutral_of(model, region)
    for block in vertices(model, motion, take.settings):
        for first in range(0, len(block), _FRAMES):
            yield block[first : first + _FRAMES] - neutral


def write_caches(
    take: Take, model: Model, region: Region, movers: Mapping[Path, Mover], watch: Watch
) -> None:
    """Write a PC2 for each mesh of a region, a sample per frame of the take, block by block.

    All of the region's files are there in the end, or none that was not there. Raises UserError
    when one cannot be written, and Cancelled.
    """
    total = take.face.frame_count
    if not movers:
        return
    before = {path for path in movers if path.exists()}
    try:
        _write(take, model, region, movers, watch, total)
    except BaseException:  # closing them one after the other, a later one may have failed
        for path in movers:
            if path not in before:
                path.unlink(missing_ok=True)
        raise


def _write(
    take: Take,
    model: Model,
    region: Region,
    movers: Mapping[Path, Mover],
    watch: Watch,
    total: int,
) -> None:
    with ExitStack() as stack:
        outs = [
            (stack.enter_context(pc2.writing(path, len(mover.rest), total)), mover)
            for path, mover in movers.items()
        ]
        done = 0
        for moves in displacements(take, model, region):
            watch.tell(done / total, _STAGE)
            for write, mover in outs:
                write(mover.frames(moves, done))
            done += len(moves)
        watch.tell(1.0, _STAGE)
