# SPDX-License-Identifier: GPL-3.0-or-later
"""Curves of MetaHuman faces (``CTRL_expressions_*``), through an editable table.

Epic publishes the names of the curves, not a table that leads to them from ARKit's poses: ours is
built from the names and is approximate. As JSON: ``exportFps``, ``trackPath``, ``numFrames``,
``mh_curveNames`` and ``mh_curveValues`` (numFrames rows of numbers).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from ..arrays import Floats
from ..face.track import FaceTrack
from .channel_map import ChannelMap, read_channel_map
from .weights_json import json_pieces, plain_rate

MAPPING = Path(__file__).resolve().parents[2] / "presets" / "mappings" / "metahuman.json"
PREFIX = "CTRL_expressions_"


@lru_cache(maxsize=1)
def shipped_mapping() -> ChannelMap:
    """The table that comes with Facewright."""
    return read_channel_map(MAPPING)


def curves_of(face: FaceTrack, mapping: ChannelMap | None = None) -> tuple[tuple[str, ...], Floats]:
    """Names and values (T, C) of a face's curves; None takes the shipped table.

    Names of the table that do not begin with ``CTRL_`` get the usual prefix.
    """
    table = mapping or shipped_mapping()
    names = tuple(name if name.startswith("CTRL_") else f"{PREFIX}{name}" for name in table.names)
    return names, table.apply(face.names, face.weights)


def metahuman_pieces(
    face: FaceTrack, mapping: ChannelMap | None = None, track_path: str = ""
) -> Iterator[str]:
    """The JSON's text in pieces."""
    names, values = curves_of(face, mapping)
    head = {
        "exportFps": plain_rate(face.fps),
        "trackPath": track_path,
        "numFrames": face.frame_count,
        "mh_curveNames": list(names),
    }
    yield from json_pieces(head, {"mh_curveValues": values})
