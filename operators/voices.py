# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of the players' voices: length, channels, waveform. Kept while Blender runs.

Whoever wants to know a voice asks ``known``; the worker is asked once in the background, and the
windows are drawn again when it has answered.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import bpy
import numpy as np

from ..core.arrays import Floats
from ..core.errors import Cancelled, UserError
from ..core.voice.audio import Voice
from ..properties.library import preferences
from ..scene.references import Reference, SceneChanged, reference
from ..scene.sounds import VoiceSource, resolve
from ..scene.voice_keys import Key, voice_key
from . import pump
from .asking import ask
from .chosen import source_of, voice_missing
from .faults import WorkerFault, report_fault, sentence

MOST = 64  # voices that are remembered
TRUST_S = 1.0  # for so long a voice is not looked at again
LISTENERS: list[Callable[[], None]] = []  # called when a voice has become known


@dataclass(frozen=True)
class Facts:
    """``duration_s`` and ``channels`` of the whole voice, samples per second, and the lowest and
    highest values ``envelope`` (n, 2) float32 of n equal parts."""

    duration_s: float
    rate: int
    channels: int
    envelope: Floats


@dataclass(frozen=True)
class Known:
    """The facts, or None with the ``problem`` as one sentence; neither while it is being read.

    ``key`` changes with the voice.
    """

    facts: Facts | None = None
    problem: str = ""
    key: Key = ()


@dataclass(frozen=True)
class _Look:
    source: VoiceSource
    known: Known
    at: float


_facts: OrderedDict[Key, Known] = OrderedDict()
_looks: dict[tuple[int, str], _Look] = {}
_reading: set[Key] = set()


def known(scene: bpy.types.Scene, player: Any) -> Known:
    """What is known of a player's voice now. Cheap enough to be asked while drawing."""
    missing = voice_missing(player)
    if missing:
        return Known(problem=missing)
    source = whole(source_of(player))
    place, now = (int(scene.session_uid), player.id), time.monotonic()
    look = _looks.get(place)
    if look is None or look.source != source or not 0 <= now - look.at < TRUST_S:
        look = _looks[place] = _Look(source, _looked(source, scene), now)
    found = look.known
    if found.problem:
        return found
    if found.key in _facts:
        _facts.move_to_end(found.key)
        return _facts[found.key]
    if found.key not in _reading:
        _reading.add(found.key)
        pump.add(_Reading(found.key, source, reference(scene)))
    return found


def whole(source: VoiceSource) -> VoiceSource:
    """The voice without the range of it that is used."""
    return replace(source, start_s=0.0, end_s=None)


def forget() -> None:
    """Look at every voice again."""
    _facts.clear()
    _looks.clear()


def voice_fields(voice: Voice) -> tuple[dict[str, Any], dict[str, Any]]:
    """A voice as the argument "voice" of the worker's jobs, and the arrays that go with it."""
    where: dict[str, Any] = {
        "name": voice.label,
        "start_s": voice.start_s,
        "end_s": voice.end_s,
        "channel": voice.channel,
    }
    if voice.data is None:
        return {**where, "path": voice.path}, {}
    return where, {"voice_bytes": np.frombuffer(voice.data, np.uint8)}


def _looked(source: VoiceSource, scene: bpy.types.Scene) -> Known:
    try:
        return Known(key=voice_key(source, scene))
    except UserError as error:
        return Known(problem=sentence(error))


class _Reading:
    """Lets the worker look at one voice; a task of the pump."""

    holds_worker = False  # the worker shows by itself that it is busy

    def __init__(self, key: Key, source: VoiceSource, scene: Reference) -> None:
        self._key, self._source, self._scene = key, source, scene
        self._steps: Any = None

    def step(self) -> bool:
        try:
            if self._steps is None:
                self._steps = self._ask()
            next(self._steps)
            return True
        except StopIteration as end:
            self._learn(Known(_facts_of(end.value), "", self._key))
        except UserError as error:
            self._learn(Known(None, sentence(error), self._key))
        except WorkerFault as error:
            self._learn(Known(None, " ".join(str(error).split()), self._key))
        except (Cancelled, SceneChanged):
            _reading.discard(self._key)
        except Exception as error:
            self._learn(Known(None, report_fault(error), self._key))
        return False

    def cancel(self) -> None:
        if self._steps is not None:
            self._steps.close()
        _reading.discard(self._key)

    def _ask(self) -> Any:
        voice, arrays = voice_fields(resolve(self._source, self._scene.get()).voice)
        general = preferences()
        device, threads = getattr(general, "device", ""), getattr(general, "threads", 0)
        return ask("probe", {"voice": voice}, arrays, device=device, threads=threads)

    def _learn(self, what: Known) -> None:
        _reading.discard(self._key)
        _facts[self._key] = what
        while len(_facts) > MOST:
            _facts.popitem(last=False)
        redraw()
        for listener in tuple(LISTENERS):
            listener()


def _facts_of(ticket: Any) -> Facts:
    result = ticket.result
    return Facts(
        duration_s=float(result["duration_s"]),
        rate=int(result["rate"]),
        channels=int(result["channels"]),
        envelope=ticket.arrays["envelope"],
    )


def redraw() -> None:
    """Draw all 3D viewports again, with their sidebars."""
    for manager in bpy.data.window_managers:
        for window in manager.windows:
            for area in window.screen.areas:
                if area.type == "VIEW_3D":
                    area.tag_redraw()


def register() -> None:
    """Nothing is known yet."""


def unregister() -> None:
    forget()
    _reading.clear()
    LISTENERS.clear()
