# SPDX-License-Identifier: GPL-3.0-or-later
"""One microphone that is on: its device, what it gives, and the face that follows it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.arrays import AnyArray
from ..core.errors import Cancelled, UserError
from .capture import Capture
from .faults import fault_of
from .live_voice import LiveVoice
from .messages import Fields
from .microphone import Microphone, Microphones
from .recording import Recording

if TYPE_CHECKING:
    from ..core.face.track import FaceTrack

PIECE_S = 0.5  # of sound that the face is given at once
AT_ONCE_S = 2.0  # of sound that one look may work on
WAIT_S = 0.25
GONE_S = 3.0  # without a block: the device has vanished


class Live:
    """The device is open from the beginning; ``close`` is called once.

    ``error`` says why the device stopped by itself; what was recorded stays. Everything but the
    two threads' own work is called from the worker's main thread.
    """

    def __init__(
        self,
        microphones: Microphones,
        microphone: Microphone,
        rate: int,
        voice: Callable[[int], LiveVoice] | None,
        folder: Path,
        background: bool = True,
    ) -> None:
        """``voice`` makes the face for a rate; recordings grow in ``folder``. Raises UserError."""
        self.error = ""
        self.voice: LiveVoice | None = None
        self.recording: Recording | None = None  # the latest, running or not
        self.delay_s = 0.0  # between sound and frame, without the network's look-ahead
        self._folder = folder
        self._clock = microphones.clock
        self._told = 0
        self.device = microphones.open(microphone, rate, self._hand_on)
        self.capture = Capture(self.device.rate, self.device.channels, self._clock)
        try:
            if voice is not None:
                self.voice = voice(self.device.rate)
                self.capture.follow()
        except BaseException:
            self._close_device()
            raise
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="microphone", daemon=True)
        self._background = background

    def start(self) -> None:
        """Sound comes from now on. Raises UserError."""
        self.capture.began_s = self.capture.last_s = self._clock()
        try:
            self.device.stream.start()
        except Exception as error:  # PortAudio's own class is not known here
            self._close_device()
            reason = " ".join(str(error).split()).rstrip(".")
            raise UserError(
                f"The microphone {self.device.name} cannot be started: {reason}.",
                "Close other programs that use it, or choose another microphone.",
            ) from error
        if self._background:
            self._thread.start()

    def record(self, wanted: bool) -> None:
        """Begin a new recording, or end the one that runs. Raises UserError."""
        if wanted == self.records:
            return
        if wanted:
            self.recording = Recording(self._folder, self.device.rate)
        self.capture.record(self.recording if wanted else None)

    @property
    def records(self) -> bool:
        return self.capture.recording is not None

    def look(self, cancelled: Callable[[], bool]) -> list[FaceTrack]:
        """Bring everything up to now; return the frames that became ready."""
        self.capture.step()
        if not self.error and self._has_gone():
            self._end()
            self.error = (
                f"The microphone {self.device.name} has stopped. Connect it and start live mode"
                " again."
            )
        return self._follow(round(AT_ONCE_S * self.device.rate), cancelled)

    def finish(self, cancelled: Callable[[], bool]) -> list[FaceTrack]:
        """Close the device and the recording; return the frames that are left."""
        self._end()
        tracks = self._follow(self.capture.waiting, cancelled)
        if self.voice is not None and self.capture.followed:
            tracks += self._take(self.voice, None, True, cancelled)
        return tracks

    def stop(self) -> None:
        """As ``finish``, without the frames."""
        self.capture.unfollow()
        self._end()

    @property
    def news(self) -> list[str]:
        """Sentences that were not told yet."""
        found = self.capture.troubles[self._told :]
        self._told += len(found)
        return found

    @property
    def state(self) -> Fields:
        """What is told at every look."""
        capture, voice = self.capture, self.voice
        level, rate = capture.level, self.device.rate
        recording = self.recording
        follows = voice is not None and capture.followed
        return {
            "captured_s": capture.captured / rate,
            "peak": level.peak,
            "rms": level.rms,
            "silent": capture.silent,
            "muted": capture.muted,
            "overflows": capture.overflows,
            "dropped": capture.dropped,
            "waiting": capture.waiting,
            "records": self.records,
            "recording": str(recording.path) if recording else "",
            "recorded_s": recording.duration_s if recording else 0.0,
            "drives": follows,
            "frames": voice.frames if voice else 0,
            "delay_ms": 1000.0 * self.delay_s,
            "latency_ms": 1000.0 * float(self.device.stream.latency),
            "ahead_ms": 1000.0 * voice.face.ahead_s if voice else 0.0,
            "began_s": capture.began_s,
            "network_ms_per_frame": voice.face.meter.ms_per_frame if voice else 0.0,
            "error": self.error,
        }

    # ---- the face -------------------------------------------------------------------------------

    def _follow(self, limit: int, cancelled: Callable[[], bool]) -> list[FaceTrack]:
        """Frames of the sound that waits, of about ``limit`` samples at the most."""
        piece = round(PIECE_S * self.device.rate)
        tracks: list[FaceTrack] = []
        while limit > 0 and self.voice is not None and self.capture.followed:
            samples = self.capture.next(piece)
            if not len(samples):
                break
            limit -= len(samples)
            tracks += self._take(self.voice, samples, False, cancelled)
        return tracks

    def _take(
        self,
        voice: LiveVoice,
        samples: AnyArray | None,
        end: bool,
        cancelled: Callable[[], bool],
    ) -> list[FaceTrack]:
        """Frames of some sound; a face that fails ends, while sound goes on being recorded."""
        voice.face.meter.cancelled = cancelled
        try:
            tracks = voice.take(samples, end)
        except Cancelled:
            self.capture.unfollow()
            raise
        except Exception as error:
            self.capture.unfollow()
            self.capture.troubles.append(fault_of(error, "live_read", voice.device).text)
            return []
        if tracks:
            shown_s = float((voice.frames - 1) / voice.face.fps) + voice.face.ahead_s
            late_s = self._clock() - self.capture.began_s - shown_s
            self.delay_s = max(late_s, 0.0) + float(self.device.stream.latency)
        return tracks

    # ---- the device -----------------------------------------------------------------------------

    def _hand_on(self, block: AnyArray, count: int, times: Any, flags: Any) -> None:
        self.capture.callback(block, count, times, flags)

    def _listen(self) -> None:
        while not self._closing.is_set():
            self.capture.wait(WAIT_S)
            self.capture.step()

    def _has_gone(self) -> bool:
        try:
            active = bool(self.device.stream.active)
        except Exception:  # a stream that the sound system has closed
            active = False
        return not active or self._clock() - self.capture.last_s > GONE_S

    def _end(self) -> None:
        """The device gives nothing more; what it gave is taken."""
        self._close_device()
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()
        self.capture.step()
        self.capture.record(None)

    def _close_device(self) -> None:
        with suppress(Exception):  # it may have gone
            self.device.stream.close()
