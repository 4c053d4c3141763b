# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a recording: a file that is the player's voice, and the take that was seen."""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..core.errors import UserError
from ..properties.ids import find
from ..properties.library import preferences
from ..scene.places import recordings_folder
from ..scene.references import Reference, reference
from ..scene.sounds import VoiceSource
from . import pump
from .asking import Progress, ask, part_of
from .listening import RECORDER, Heard
from .rendering import until_rendered

if TYPE_CHECKING:
    from .animation_job import Result

ALL_SAMPLES = 0  # rate of a recording that is saved as it is
SAVE_SHARE = 0.1  # of a kept take's progress
NOTHING = "Nothing was recorded"


@dataclass(frozen=True)
class Saved:
    """The file, and how the .blend names it."""

    path: Path
    named: str
    seconds: float


def save_steps(
    scene: bpy.types.Scene, player_id: str, rate: int
) -> Generator[Progress, None, Saved]:
    """End the recording if it runs, write it as a file, and make that the player's voice.

    Raises UserError; then nothing was written.
    """
    kept = reference(scene)
    del scene
    heard = yield from ended_steps(player_id)
    player = _player(kept, player_id)
    folder, named = recordings_folder(player.track_root)
    name = player.recorder.take_name
    del player
    general = preferences()
    args = {"recording": heard.path, "folder": str(folder), "name": name, "rate": rate}
    device, threads = getattr(general, "device", ""), getattr(general, "threads", 0)
    ticket = yield from ask("live_save", args, device=device, threads=threads)
    path = Path(ticket.result["path"])
    saved = Saved(path, _joined(named, path.name), float(ticket.result["duration_s"]))
    yield from until_rendered(1.0)
    use(_player(kept, player_id), saved, heard)
    RECORDER.saved(path.name)
    return saved


def ended_steps(player_id: str) -> Generator[Progress, None, Heard]:
    """Wait until nothing listens any more. Raises UserError where nothing was heard."""
    if RECORDER.running is not None:
        RECORDER.running.end()
    while RECORDER.running is not None:
        pump.pump()  # where no timer does it
        yield Progress(0.0, "Ending the recording")
    heard = RECORDER.heard
    if heard is None or heard.player_id != player_id:
        raise UserError(f"{NOTHING}.", RECORDER.problem or "Record something first.")
    return heard


def use(player: Any, saved: Saved, heard: Heard) -> None:
    """Make a recording the player's voice, whole. A live one begins where it was spoken."""
    player.voice_source = "FILE"
    player.voice_path = saved.named
    player.channel, player.range_start, player.range_end = 0, 0.0, -1.0
    if heard.orders:
        player.start_frame = heard.start_frame


def keep_steps(scene: bpy.types.Scene, player_id: str) -> Generator[Progress, None, list[Result]]:
    """Save the recording with every sample, and animate from it what followed the microphone.

    Raises UserError; what was saved and animated by then stays.
    """
    from .animation_job import animation_steps

    kept = reference(scene)
    del scene
    saving = save_steps(kept.get(), player_id, ALL_SAMPLES)
    saved = yield from part_of(saving, 0.0, SAVE_SHARE)
    heard = RECORDER.heard
    results: list[Result] = []
    orders = heard.orders if heard is not None else ()
    for at, order in enumerate(orders):
        source = VoiceSource("FILE", str(saved.path))
        request = order.request(kept.get(), source, float(heard.start_frame if heard else 0))
        if request is not None:
            part = (1 - SAVE_SHARE) / len(orders)
            steps = animation_steps(request)
            results.append((yield from part_of(steps, SAVE_SHARE + at * part, part)))
    if not results:
        raise UserError("No face that followed the microphone is there any more.")
    RECORDER.heard = None
    return results


def _player(scene: Reference, player_id: str) -> Any:
    found = find(scene.get().facewright.players, player_id)
    if found is None:
        raise UserError("The player of this recording is gone.")
    return found


def _joined(named: str, name: str) -> str:
    return named + name if named == "//" else os.path.join(named, name)
