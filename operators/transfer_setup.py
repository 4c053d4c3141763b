# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job of character transfer works with: the setup's meshes, remembered and as arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.errors import UserError
from ..core.retarget.pairs import SurfacePoints
from ..properties.ids import find
from ..properties.transfer import PART_FIELDS
from ..scene.references import Reference, SceneChanged, reference
from ..scene.retarget_meshes import standing_mesh
from ..scene.transfer_meshes import gone_along

# What the target's parts are called in `core/retarget/generate`
KINDS = {
    "lower_denture": "lower_teeth",
    "tongue": "tongue",
    "eye_right": "eye_right",
    "eye_left": "eye_left",
}
FOLLOWER = "follower"
MESHES = ("driver", "target", "open_mouth", "fitted")


@dataclass(frozen=True)
class Setup:
    """A transfer as it was when its job began; ``parts`` are the target's further meshes by what
    they are, ``others`` those that follow the skin, ``counts`` how many vertices each has."""

    scene: Reference
    id: str
    meshes: Mapping[str, Reference]
    parts: Mapping[str, Reference]
    others: tuple[Reference, ...]
    counts: tuple[tuple[Reference, int], ...]
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
        """Raise SceneChanged when something that the job needs is gone, or has other vertices."""
        self.scene.get()
        for each, count in self.counts:
            obj = each.get()
            if len(obj.data.vertices) != count:
                raise SceneChanged(f"Stopped: '{obj.name}' was edited meanwhile.")

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
    meshes, parts = _references(transfer, MESHES), _references(transfer, PART_FIELDS)
    others = tuple(
        reference(each.object)
        for each in transfer.others
        if each.object is not None and each.object.users_scene
    )
    every = (*meshes.values(), *parts.values(), *others)
    return Setup(
        scene=reference(scene),
        id=transfer.id,
        meshes=meshes,
        parts=parts,
        others=others,
        counts=tuple((each, len(each.get().data.vertices)) for each in every),
        driver_pairs=_side(transfer, "driver"),
        target_pairs=_side(transfer, "target"),
        iterations=transfer.iterations,
        stiffness=transfer.stiffness,
        smooth_level=transfer.smooth_level,
    )


def _references(transfer: Any, names: Sequence[str]) -> dict[str, Reference]:
    """Those objects that a transfer has, and that are in a scene."""
    found = {name: getattr(transfer, name) for name in names}
    return {name: reference(o) for name, o in found.items() if o is not None and o.users_scene}


def _side(transfer: Any, name: str) -> SurfacePoints:
    pairs, obj = transfer.pairs, getattr(transfer, name)
    corners = np.array([getattr(each, f"{name}_corners") for each in pairs], np.int32)
    shares = np.array([getattr(each, f"{name}_shares") for each in pairs], np.float64)
    points = SurfacePoints.of(corners, shares)
    if len(points) and points.corners.max() >= len(obj.data.vertices):
        raise UserError(
            f"A pair lies on a vertex that the {name} '{obj.name}' no longer has.",
            "Delete the pair, or load the setup for this mesh.",
        )
    return points
