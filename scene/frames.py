# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows one frame on a face without keyframes: previews and live sessions.

What a take animates goes on being animated: at the next change of frame Blender shows the take
again.
"""

from __future__ import annotations

from typing import Any

from ..core.face.track import FaceTrack
from .channels import Channels, channels_of
from .characters import Character
from .joints import REST, remember_rest, turning


def show_frame(character: Character, frame: FaceTrack) -> None:
    """Give a face the values of the first frame of a track.

    Where an object or bone stands at rest is noted on it first, as a take does.
    """
    for channels in channels_of(character, frame):
        owner = channels.owner.get()
        _keep_rest(owner, channels)
        for (path, index), values in channels.curves.items():
            _put(owner, path, index, float(values[0]))
        owner.update_tag()


def _keep_rest(owner: Any, channels: Channels) -> None:
    for each in channels.turned:
        turns = turning(owner, each.bone)
        if turns is None:
            continue
        if REST not in turns:
            remember_rest(turns, each.rest, each.moves)
        if turns.rotation_mode != each.rotation_mode:
            turns.rotation_mode = each.rotation_mode


def _put(owner: Any, path: str, index: int, value: float) -> None:
    """Set the property of a data path, as an F-curve does."""
    place, _, name = path.rpartition(".")
    struct = owner.path_resolve(place) if place else owner
    if struct.bl_rna.properties[name].is_array:
        getattr(struct, name)[index] = value
    else:
        setattr(struct, name, value)
