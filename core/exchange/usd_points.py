# SPDX-License-Identifier: GPL-3.0-or-later
"""USD point caches: meshes whose points are sampled in time, with their extents, and no normals.

Faces are in it as well, since no reader shows points alone; materials, UVs and shape keys are not.
Written by `crate`, so that it needs no USD and holds no frame longer than it takes to write it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ..arrays import AnyArray, Doubles, Floats
from ..errors import UserError
from .crate import ATTRIBUTE, PRIM, PSEUDO_ROOT, CrateWriter, Value
from .point_cache import Block, CacheClip, CacheMesh, Frames, Space, Write, identifiers

MOST = 0xFFFFFFFF  # of an array's values
FOLD = 64


@contextmanager
def filling(paths: Sequence[Path], clip: CacheClip, space: Space) -> Iterator[Write]:
    """Write the meshes of a clip, given in a space, to a file that is there already.

    Raises UserError and OSError.
    """
    (path,), frames = paths, Frames(clip)
    if any(mesh.points == 0 or len(mesh.face_points) > MOST for mesh in clip.meshes):
        raise UserError("A mesh without vertices cannot be written.", "Leave it out.")
    with path.open("wb") as stream:
        crate = CrateWriter(stream)
        samples = [_Samples(crate) for _mesh in clip.meshes]

        def write(blocks: Sequence[Block]) -> None:
            frames.take(blocks)
            for sample, block in zip(samples, blocks, strict=True):
                sample.add(block)

        yield write
        frames.end()
        _describe(crate, clip, space, samples)
        crate.finish()


class _Samples:
    """The values of a mesh that change in time."""

    def __init__(self, crate: CrateWriter) -> None:
        self._crate = crate
        self.points: list[Value] = []
        self.extents: list[Value] = []
        self.places: list[Doubles] = []

    def add(self, block: Block) -> None:
        for points in block.points:
            self.points.append(self._crate.vec3f_array(points))
            self.extents.append(self._crate.vec3f_array(_extent(points)))
        if block.places is not None:
            self.places += list(np.swapaxes(block.places, 1, 2))


def _extent(points: Floats) -> Floats:
    """Lowest and highest corner (2, 3) of points (V, 3).

    Many points are folded into few rows first, which numpy goes through far faster."""
    whole = len(points) // FOLD * FOLD
    folded, rest = points[:whole].reshape(-1, 3 * FOLD), points[whole:]
    corners = []
    for pick in (np.min, np.max):
        found = pick(folded, axis=0).reshape(-1, 3) if whole else rest
        corners.append(pick(np.concatenate([found, rest]), axis=0))
    return np.stack(corners)


def _describe(
    crate: CrateWriter, clip: CacheClip, space: Space, samples: Sequence[_Samples]
) -> None:
    (root,) = identifiers([clip.name])
    names = identifiers(mesh.name for mesh in clip.meshes)
    rate = crate.number(float(clip.rate))
    times = crate.times(clip.first_frame + np.arange(clip.frames, dtype=np.float64))
    crate.spec(
        "/",
        PSEUDO_ROOT,
        {
            "defaultPrim": crate.token(root),
            "upAxis": crate.token("Y" if space.y_up else "Z"),
            "metersPerUnit": crate.number(space.unit(clip)),
            "timeCodesPerSecond": rate,
            "framesPerSecond": rate,
            "startTimeCode": crate.number(clip.first_frame),
            "endTimeCode": crate.number(clip.first_frame + clip.frames - 1),
            "documentation": crate.string("Facewright geometry cache"),
            "primChildren": crate.names([root]),
        },
    )
    crate.spec(
        f"/{root}",
        PRIM,
        {
            "specifier": crate.specifier(),
            "typeName": crate.token("Xform"),
            "kind": crate.token("component"),
            "primChildren": crate.names(names),
        },
    )
    for name, mesh, sample in zip(names, clip.meshes, samples, strict=True):
        _describe_mesh(crate, f"/{root}/{name}", mesh, times, sample)


def _describe_mesh(
    crate: CrateWriter, path: str, mesh: CacheMesh, times: Value, sample: _Samples
) -> None:
    fields: dict[str, dict[str, Value]] = {
        "faceVertexCounts": _fixed(crate, "int[]", crate.int_array(mesh.face_counts)),
        "faceVertexIndices": _fixed(crate, "int[]", crate.int_array(mesh.face_points)),
        "points": _moving(crate, "point3f[]", times, sample.points),
        "extent": _moving(crate, "float3[]", times, sample.extents),
        "subdivisionScheme": _uniform(crate, "token", crate.token("none")),
    }
    if sample.places:
        fields["xformOp:transform"] = _transform(crate, times, sample.places)
        order = crate.token_array(["xformOp:transform"])
        fields["xformOpOrder"] = _uniform(crate, "token[]", order)
    own = path.rpartition("/")[2]
    shown = {"displayName": crate.string(mesh.name)} if own != mesh.name else {}
    crate.spec(
        path,
        PRIM,
        {
            "specifier": crate.specifier(),
            "typeName": crate.token("Mesh"),
            "properties": crate.names(list(fields)),
            **shown,
        },
    )
    for name, values in fields.items():
        crate.spec(f"{path}.{name}", ATTRIBUTE, values)


def _fixed(crate: CrateWriter, kind: str, value: Value) -> dict[str, Value]:
    return {"typeName": crate.token(kind), "default": value}


def _uniform(crate: CrateWriter, kind: str, value: Value) -> dict[str, Value]:
    return {**_fixed(crate, kind, value), "variability": crate.variability()}


def _moving(
    crate: CrateWriter, kind: str, times: Value, values: Sequence[Value]
) -> dict[str, Value]:
    """For readers that look at no time, the first is the default too."""
    samples = crate.samples(times, values)
    return {**_fixed(crate, kind, values[0]), "timeSamples": samples}


def _transform(crate: CrateWriter, times: Value, places: Sequence[AnyArray]) -> dict[str, Value]:
    """Where a mesh stands; one matrix where it never moves."""
    if all(np.array_equal(place, places[0]) for place in places):
        return _fixed(crate, "matrix4d", crate.matrix4d(places[0]))
    return _moving(crate, "matrix4d", times, [crate.matrix4d(place) for place in places])
