# SPDX-License-Identifier: GPL-3.0-or-later
"""The driver of the benchmarks: the MakeHuman male head, as the wheel has it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from facewright.core.head import OPEN_MOUTH_AMOUNT
from facewright.core.retarget.mesh import Mesh
from facewright.tools.head import basemesh, names, topology, wheel
from numpy.typing import NDArray

HEIGHT_CM = 24.0  # what figures in percent of the head's height are divided by
RECIPE = {
    "macrodetails/universal-male-young-averagemuscle-averageweight": 1.0,
    **{f"macrodetails/{people}-male-young": 1 / 3 for people in ("caucasian", "african", "asian")},
}
SHAPES = tuple(name for name in names.ARKIT if name != "tongueOut")
_BODY = 13_380  # the base mesh's own skin comes first, then its helpers


def _both(name: str, left: int, right: int) -> dict[str, int]:
    return {f"{name}_left": left, f"{name}_right": right}


# Vertices of the base mesh that a careful user would pick
LANDMARKS = {
    **{"chin": 5171, "nose_root": 136, "nose_tip": 5054, "nose_base": 5072, "crown": 881},
    **{"upper_lip_outer": 455, "lower_lip_outer": 492},
    **{"upper_lip_inner": 520, "lower_lip_inner": 523},
    **_both("mouth_corner", 7190, 430),
    **_both("eye_outer", 11691, 5076),
    **_both("eye_inner", 11489, 4871),
    **_both("upper_lid_outer", 11467, 4849),
    **_both("upper_lid_inner", 11483, 4865),
    **_both("lower_lid_outer", 6823, 39),
    **_both("lower_lid_inner", 6829, 45),
    **_both("nose_wing", 7056, 287),
    **_both("brow", 6996, 222),
    **_both("jaw_angle", 7596, 894),
    **_both("jaw_side", 12019, 5420),
}
_EYES = ("eye_outer_left", "eye_outer_right", "eye_inner_left", "eye_inner_right")
_TWELVE = (
    *("chin", "nose_root", "nose_tip", "crown", "upper_lip_inner", "lower_lip_inner"),
    *("mouth_corner_left", "mouth_corner_right", *_EYES),
)
_TWENTY = (
    *(*_TWELVE, "upper_lip_outer", "lower_lip_outer", "jaw_angle_left", "jaw_angle_right"),
    *("upper_lid_outer_left", "upper_lid_outer_right"),
    *("lower_lid_outer_left", "lower_lid_outer_right"),
)
POINT_SETS: dict[int, tuple[str, ...]] = {12: _TWELVE, 20: _TWENTY, 31: tuple(LANDMARKS)}


@dataclass(frozen=True, eq=False)
class Driver:
    """The head's skin in cm, Y up, Z front, the character's left at +x.

    ``shapes`` (51, V, 3) are named by ``SHAPES``; ``numbers`` (V,) are the vertices' numbers in
    the base mesh; ``landmarks`` vertices by name.
    """

    mesh: Mesh
    opened: NDArray[np.float64]
    shapes: NDArray[np.float64]
    numbers: NDArray[np.int64]
    landmarks: dict[str, int]

    def regions(self) -> dict[str, NDArray[np.bool_]]:
        """``face``, ``lips`` (with the mouth's inside) and ``lids`` as masks (V,)."""
        return regions_of(self.mesh.points, self.mesh.points, self.landmarks)


def regions_of(
    points: NDArray[np.float64], skin: NDArray[np.float64], landmarks: dict[str, int]
) -> dict[str, NDArray[np.bool_]]:
    """Masks of points (N, 3) in cm around landmarks of a skin (V, 3) in the same place."""
    lips = np.linalg.norm(points - skin[landmarks["upper_lip_inner"]], axis=1) < 2.6
    lids = np.zeros(len(points), bool)
    for side in ("left", "right"):
        away = (points - skin[landmarks[f"upper_lid_outer_{side}"]]) * [1, 1, 0.7]
        lids |= np.linalg.norm(away, axis=1) < 1.6
    return {"face": points[:, 2] > 0.24, "lips": lips, "lids": lids}


@cache
def base() -> basemesh.BaseMesh:
    """The whole base mesh as a man, with the shapes."""
    with wheel.Members(wheel.ensure()) as members:
        return basemesh.read(members, RECIPE, SHAPES)


@cache
def driver() -> Driver:
    """The head: the skin above a slanting cut through the neck."""
    body = base()
    x, y, z = body.points.T
    kept = (y > -13.318 - 0.35 * z) & (np.abs(x) < 12) & (np.arange(len(x)) < _BODY)
    quads = body.quads[kept[body.quads].all(axis=1)]
    numbers, corners = np.unique(quads, return_inverse=True)
    shapes = np.stack([body.shapes[name][numbers] for name in SHAPES])
    mesh = Mesh.of(body.points[numbers], topology.triangles_of(corners.reshape(-1, 4)))
    opened = mesh.points + OPEN_MOUTH_AMOUNT * shapes[SHAPES.index("jawOpen")]
    places = {int(number): place for place, number in enumerate(numbers)}
    return Driver(
        mesh, opened, shapes, numbers, {name: places[at] for name, at in LANDMARKS.items()}
    )
