# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights as a text layer of USD, built as legacy Audio2Face built it.

``World`` holds one ``SkelAnimation`` with the tokens ``blendShapes`` and the samples
``blendShapeWeights``; time codes are frames, from 0. The layer's data ``audio2faceSettings`` names
rate and voice. Eyes and jaw may be joints of the same animation, with the names and axes of
``weights_json``: local motions with Y up in centimetres, scale 1, as many samples as the weights.

With MetaHuman curves the animation has ``custom:mh_curveNames`` and ``custom:mh_curveValues`` too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from ..arrays import AnyArray, Doubles, Floats
from ..face.track import FaceTrack
from .weights_json import BLOCK, JOINTS, joint_values, plain_rate, turns_of


def usd_pieces(
    file_name: str,
    face: FaceTrack,
    track_path: str = "",
    joints: bool = True,
    curves: tuple[Sequence[str], Floats] | None = None,
) -> Iterator[str]:
    """A layer's text in pieces; ``curves`` are names and values (T, C) of a MetaHuman's."""
    fps = plain_rate(face.fps)
    last = max(face.frame_count - 1, 0)
    yield f"""#usda 1.0
(
    customLayerData = {{
        dictionary audio2faceSettings = {{
            {"int" if isinstance(fps, int) else "double"} export_fps = {fps}
            string trackPath = {_quoted(track_path)}
        }}
    }}
    defaultPrim = "World"
    endTimeCode = {last}
    framesPerSecond = {fps}
    metersPerUnit = 0.01
    startTimeCode = 0
    timeCodesPerSecond = {fps}
    upAxis = "Y"
)

def Xform "World"
{{
    def SkelAnimation "{animation_name(file_name)}"
    {{
"""
    if curves:
        yield _attribute("token[] custom:mh_curveNames", _tokens(curves[0]))
        yield from _samples("float[] custom:mh_curveValues", curves[1])
    yield _attribute("uniform token[] blendShapes", _tokens(face.names))
    yield from _samples("float[] blendShapeWeights", face.weights)
    if joints:
        rotations, translations = joint_values(face)
        turned = [quaternions(turns_of(rotations[:, joint])) for joint in range(len(JOINTS))]
        yield _attribute("uniform token[] joints", _tokens(JOINTS))
        yield from _samples("quatf[] rotations", np.stack(turned, axis=1), 9)
        yield from _samples("half3[] scales", np.ones_like(translations))
        yield from _samples("float3[] translations", translations)
    yield "    }\n}\n"


def animation_name(file_name: str) -> str:
    """The animation's name in a file: what USD does not take in a name becomes an underscore."""
    return "anim_" + re.sub(r"[^A-Za-z0-9_]", "_", file_name)


def _attribute(declared: str, value: str) -> str:
    return f"        {declared} = {value}\n"


def _samples(declared: str, values: AnyArray, decimals: int = 6) -> Iterator[str]:
    """Time samples of rows (T, n) of numbers, or (T, n, k) of tuples."""
    yield f"        {declared}.timeSamples = {{\n"
    for start in range(0, len(values), BLOCK):
        block = values[start : start + BLOCK].astype(np.float64)
        rows = (np.round(block, decimals) + 0.0).tolist()  # no negative zeros
        lines = []
        for frame, row in enumerate(rows, start):
            cells = map(_number, row) if block.ndim == 2 else map(_tuple, row)
            lines.append(f"            {frame}: [{', '.join(cells)}],\n")
        yield "".join(lines)
    yield "        }\n"


def _tuple(values: Sequence[float]) -> str:
    return f"({', '.join(map(_number, values))})"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _tokens(names: Sequence[str]) -> str:
    return "[" + ", ".join(map(_quoted, names)) + "]"


def _quoted(text: str) -> str:
    safe = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(each if each.isprintable() else " " for each in safe) + '"'


def quaternions(matrices: Doubles) -> Doubles:
    """Unit quaternions (T, 4) [w, x, y, z] of turns (T, 3, 3), each on its predecessor's side."""
    trace = np.trace(matrices, axis1=1, axis2=2)
    diagonal = np.diagonal(matrices, axis1=1, axis2=2)
    squares = np.concatenate([trace[:, None], 2 * diagonal - trace[:, None]], axis=1) + 1.0
    # Each row k is 4 q_k q; the one with the largest q_k is exact
    rows = np.empty((len(matrices), 4, 4))
    for k in range(4):
        rows[:, k, k] = squares[:, k]
    for k, (i, j) in enumerate(((2, 1), (0, 2), (1, 0)), start=1):
        rows[:, 0, k] = rows[:, k, 0] = matrices[:, i, j] - matrices[:, j, i]
    for k, m in ((1, 2), (1, 3), (2, 3)):
        rows[:, k, m] = rows[:, m, k] = matrices[:, k - 1, m - 1] + matrices[:, m - 1, k - 1]
    best = np.argmax(squares, axis=1)
    found = rows[np.arange(len(rows)), best]
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    flips = np.where((found[1:] * found[:-1]).sum(axis=1) < 0, -1.0, 1.0)
    found[1:] *= np.cumprod(flips)[:, None]
    return found if not len(found) or found[0, 0] >= 0 else -found


def matrices_of(quats: AnyArray) -> Doubles:
    """Turns (..., 3, 3) of quaternions (..., 4) [w, x, y, z] of any length but 0."""
    quats = quats.astype(np.float64)
    length = np.linalg.norm(quats, axis=-1, keepdims=True)
    w, x, y, z = np.moveaxis(quats / np.maximum(length, 1e-12), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    result: Doubles = np.moveaxis(np.array(rows), (0, 1), (-2, -1))
    return result
