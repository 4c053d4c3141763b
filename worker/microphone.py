# SPDX-License-Identifier: GPL-3.0-or-later
"""Microphones: which there are, and opening one.

sounddevice and the PortAudio library behind it are loaded only here, when somebody asks. Where
they or a device are missing, a UserError says what to do.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from ..core.arrays import AnyArray
from ..core.errors import UserError
from .environment import explain

RATE = 48_000  # asked for first, samples per second
BLOCK_S = 0.01  # of sound that the device gives at once
NONE = "No microphone was found."
NONE_HINT = "Connect one, or allow Blender to use it in the system's settings."
NO_PORTAUDIO = UserError(
    "The microphone needs the system's PortAudio library, which is not installed.",
    "Install it (Debian and Ubuntu: libportaudio2, Fedora, Arch and openSUSE: portaudio) and try"
    " again.",
)

# block (n, channels) float32 that is valid only during the call, n, times, flags
Callback = Callable[[AnyArray, int, Any, Any], None]


class Stream(Protocol):
    """What is used of sounddevice's ``InputStream``."""

    @property
    def active(self) -> bool: ...

    @property
    def latency(self) -> float: ...

    def start(self) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Microphone:
    """``rate`` is the device's own, in samples per second; ``default`` is the system's choice."""

    name: str
    channels: int
    rate: int
    default: bool = False
    place: int = 0  # among the sound system's devices


@dataclass(frozen=True)
class OpenMicrophone:
    """A stream that has not been started, and what it gives."""

    name: str
    rate: int
    channels: int
    stream: Stream


class Microphones(Protocol):
    """Where sound comes from. ``clock`` tells seconds that only grow."""

    @property
    def clock(self) -> Callable[[], float]: ...

    def all(self, again: bool = True) -> tuple[Microphone, ...]:
        """Every microphone, at least one; ``again`` looks for new ones. Raises UserError."""

    def open(self, microphone: Microphone, rate: int, callback: Callback) -> OpenMicrophone:
        """Open one, at its own rate where it refuses ``rate``. Raises UserError."""


def find(microphones: Microphones, name: str, again: bool) -> Microphone:
    """The microphone of a name, the system's own choice for an empty one. Raises UserError."""
    known = microphones.all(again)
    for one in known:
        if one.name == name or (not name and one.default):
            return one
    if not name:
        return known[0]
    raise UserError(
        f"There is no microphone called {name!r}.",
        f"Choose one of {', '.join(one.name for one in known)}, or the system's own.",
    )


class SystemMicrophones:
    """Those of this computer, through PortAudio."""

    clock = staticmethod(time.monotonic)

    def all(self, again: bool = True) -> tuple[Microphone, ...]:
        """See ``Microphones``. Nothing may be open when it is to look again."""
        fresh = "sounddevice" not in sys.modules
        sound = _library()
        try:
            if again and not fresh:  # PortAudio looks only once by itself
                sound._terminate()
                sound._initialize()
            host = _host(sound)
            devices = [(place, sound.query_devices(place)) for place in host["devices"]]
        except sound.PortAudioError as error:
            raise UserError(f"{NONE} {_reason(error)}.", NONE_HINT) from error
        found: list[Microphone] = []
        for place, device in devices:
            channels = int(device["max_input_channels"])
            if channels > 0:
                name = _unique(str(device["name"]), [one.name for one in found])
                default = place == host["default_input_device"]
                rate = round(float(device["default_samplerate"]))
                found.append(Microphone(name, channels, rate, default, place))
        if not found:
            raise UserError(NONE, NONE_HINT)
        return tuple(found)

    def open(self, microphone: Microphone, rate: int, callback: Callback) -> OpenMicrophone:
        """See ``Microphones``. Mono where the device can, else all that it gives."""
        sound = _library()
        reason = ""
        rates = dict.fromkeys((rate, microphone.rate))
        channels = dict.fromkeys((1, microphone.channels))
        for wanted, count in ((r, c) for c in channels for r in rates):
            try:
                stream = sound.InputStream(
                    samplerate=wanted,
                    blocksize=round(wanted * BLOCK_S),
                    device=microphone.place,
                    channels=count,
                    dtype="float32",
                    latency="low",
                    callback=callback,
                )
            except (sound.PortAudioError, ValueError) as error:
                reason = reason or _reason(error)
            else:
                return OpenMicrophone(microphone.name, wanted, count, stream)
        raise UserError(
            f"The microphone {microphone.name} cannot be opened: {reason}.",
            "Close other programs that use it, or choose another microphone.",
        )


def _library() -> Any:
    """The module sounddevice. Raises UserError that says what to install."""
    os.environ.pop("SD_ENABLE_ASIO", None)  # its terms for such libraries are not ours
    try:
        import sounddevice
    except OSError as error:
        if "PortAudio" in str(error):
            raise NO_PORTAUDIO from error
        raise UserError(explain("sounddevice", error)) from error
    except ImportError as error:
        raise UserError(explain("sounddevice", error)) from error
    except Exception as error:  # PortAudio's own: it finds no sound system at all
        raise UserError(f"{NONE} {_reason(error)}.", NONE_HINT) from error
    return sounddevice


def _host(sound: Any) -> Any:
    """The sound system whose devices count: Windows lists each of them under several."""
    systems = sound.query_hostapis()
    for system in systems:
        if "WASAPI" in system["name"]:
            return system
    for system in systems:
        if system["default_input_device"] >= 0:
            return system
    if not systems:
        raise UserError(NONE, NONE_HINT)
    return systems[0]


def _unique(name: str, taken: list[str]) -> str:
    """Two devices of one make have one name: the second gets a number."""
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name} ({number})"
    return found


def _reason(error: Exception) -> str:
    words = error.args[0] if error.args else error.__class__.__name__
    return " ".join(str(words).split()).rstrip(".")
