# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job of character transfer works with: the setup's meshes, remembered and as arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..core.errors import UserError
from ..core.retarget import names
from ..core.retarget.pairs import SurfacePoints
from ..properties.ids import find
from ..properties.transfer import MESH_FIELDS, PART_FIELDS
from ..scene.correspondences import SIDES, points_of
from ..scene.references import Reference, SceneChanged, reference
from ..scene.retarget_meshes import standing_mesh
from ..scene.transfer_meshes import gone_along
from .transfer_status import is_there

# What kinds the target's parts are
KINDS = {
    "lower_denture": names.LOWER_TEETH,
    "tongue": names.TONGUE,
    "eye_right": names.EYE_RIGHT,
    "eye_left": names.EYE_LEFT,
}


@dataclass(frozen=True)
class Setup:
    """A transfer as it was when its job began; ``parts`` are the target's further meshes by what
    they are, ``others`` those that follow the skin. ``counts`` are the vertices of all meshes."""

    scene: Reference
    id: str
    meshes: Mapping[str, Reference]
    parts: Mapping[str, Reference]
    others: tuple[Reference, ...]
    counts: tuple[int, ...]
    driver_pairs: SurfacePoints
    target_pairs: SurfacePoints
    iterations: int
    stiffness: float
    smooth_level: int

    @property
    def transfer(self) -> Any:
        """The setup itself as it is now. Raises SceneChanged when it is gone."""
        found = find(self.scene.get().facewright.transfers, self.id)
        if found is None:
            raise SceneChanged("Stopped: the character transfer was removed.")
        return found

    def mesh(self, name: str) -> Any:
        """The driver, target, OpenMouth or fitted mesh now. Raises SceneChanged when it is gone."""
        return self.meshes[name].get()

    @contextmanager
    def fitted_in_place(self) -> Iterator[Any]:
        """The fitted mesh on the target, also when it went along with a result that was moved."""
        fitted = self.mesh("fitted")
        with gone_along(fitted, self.mesh("target")):
            yield fitted

    def still_there(self) -> None:
        """Raise SceneChanged when something that the job needs is gone, or was edited."""
        self.scene.get()
        meshes = (*self.meshes.values(), *self.parts.values(), *self.others)
        for each, count in zip(meshes, self.counts, strict=True):
            if len(each.get().data.vertices) != count:
                raise SceneChanged(f"Stopped: '{each.name}' was edited.")

    def arrays(self, name: str, obj: Any = None) -> dict[str, Any]:
        """A mesh's points and triangles in the world, as arrays of a job."""
        mesh = standing_mesh(obj or self.mesh(name))
        return {f"{name}_points": mesh.points, f"{name}_triangles": mesh.triangles}

    def pair_arrays(self) -> dict[str, Any]:
        """The pairs as arrays of a job."""
        return {
            "driver_corners": self.driver_pairs.corners,
            "driver_shares": self.driver_pairs.shares,
            "target_corners": self.target_pairs.corners,
            "target_shares": self.target_pairs.shares,
        }


def setup_of(scene: Any, transfer: Any) -> Setup:
    """A transfer of a scene, remembered. Raises UserError for pairs off their meshes."""
    driver_pairs, target_pairs = (_pairs(transfer, side) for side in SIDES)
    meshes, parts = (_present(transfer, fields) for fields in (MESH_FIELDS, PART_FIELDS))
    others = [each.object for each in transfer.others if is_there(each.object)]
    return Setup(
        scene=reference(scene),
        id=transfer.id,
        meshes={name: reference(obj) for name, obj in meshes.items()},
        parts={name: reference(obj) for name, obj in parts.items()},
        others=tuple(map(reference, others)),
        counts=tuple(
            len(obj.data.vertices) for obj in (*meshes.values(), *parts.values(), *others)
        ),
        driver_pairs=driver_pairs,
        target_pairs=target_pairs,
        iterations=transfer.iterations,
        stiffness=transfer.stiffness,
        smooth_level=transfer.smooth_level,
    )


def _present(transfer: Any, fields: Sequence[str]) -> dict[str, Any]:
    """Those objects that a transfer has, and that are in a scene."""
    found = {name: getattr(transfer, name) for name in fields}
    return {name: obj for name, obj in found.items() if is_there(obj)}


def _pairs(transfer: Any, side: str) -> SurfacePoints:
    points, obj = points_of(transfer, side), getattr(transfer, side)
    if len(points) and points.corners.max() >= len(obj.data.vertices):
        raise UserError(
            f"A pair lies on a vertex that the {side} '{obj.name}' no longer has.",
            "Delete the pair, or load the setup for this mesh.",
        )
    return points
