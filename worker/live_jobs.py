# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs of the microphone: listening, recording, and a face that follows as one speaks.

The worker has the device. Blender opens it ("live_open"), looks often ("live_read"), and closes it
("live_close"); what was recorded is then saved under a name ("live_save").
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..core import limits
from ..core.errors import Cancelled, UserError
from . import arguments, recording
from .calls import Call, Reply
from .file_microphone import microphones_here
from .kept import Kept
from .live import Live
from .live_voice import LiveVoice, frame_arrays, open_voice, opened
from .messages import Fields
from .microphone import RATE, Microphones, find
from .requests import ENGINE_PATIENCE_S, ORDER, Order, order_of

LIVES = 4  # open at a time
BLOCK_S = 0.005  # of sound that is resampled at once: a part of the delay


class Lives:
    """The microphones of a worker that are on. Tests give others, without ``background``."""

    def __init__(
        self, kept: Kept, microphones: Microphones | None = None, background: bool = True
    ) -> None:
        self._kept = kept
        self._microphones = microphones
        self._background = background
        self._live: dict[str, Live] = {}

    def __len__(self) -> int:
        return len(self._live)

    @property
    def _here(self) -> Microphones:
        return self._microphones or microphones_here()

    def microphones(self, call: Call) -> Reply:
        """{} -> {microphones: [{name, channels, rate, default}], reason: why there are none}."""
        arguments.only(call.args, (), "microphones")
        call.progress(0.0, "Looking for microphones", 60.0)
        try:
            found = self._here.all(again=not self._live)
        except UserError as error:
            return {"microphones": [], "reason": str(error)}, {}
        rows = [
            {"name": m.name, "channels": m.channels, "rate": m.rate, "default": m.default}
            for m in found
        ]
        return {"microphones": rows, "reason": ""}, {}

    def open(self, call: Call) -> Reply:
        """Switch a microphone on. ``microphone`` is its name, "" the system's own; it is opened at
        ``rate`` (48000), or at its own where it refuses that.

        With ``drive`` a face follows, and the arguments of "session_open" say which. ``record``
        begins to record at once; ``muted`` hears silence.

        {session, microphone, rate, drive, record, muted, model, fps, settings, rigs, emotion,
        low_delay, device, threads} -> {microphone, rate, channels} and what "live_read" tells; with
        "drive" {names, jaw_rest, fps, device, notices, model} as "session_open".
        """
        where = "live_open"
        args = call.args
        own = ("session", "microphone", "rate", "drive", "record", "muted")
        drive = arguments.flag(args, "drive", where)
        arguments.only(args, (*own, *ORDER) if drive else own, where)
        name = _name(call, where)
        if name in self._live:
            raise UserError(f"The live session {name!r} is open already.")
        if len(self._live) >= LIVES:
            raise UserError(f"{LIVES} microphones are on already.", "Switch one of them off first.")
        rate = arguments.whole(args, "rate", where) or RATE
        if not limits.MIN_RATE <= rate <= limits.MAX_RATE:
            raise UserError(
                f"'rate' of {where} must be between {limits.MIN_RATE} and {limits.MAX_RATE}."
            )
        record, muted = (arguments.flag(args, word, where) for word in ("record", "muted"))
        here = self._here
        wanted = arguments.text(args, "microphone", where) or ""
        microphone = find(here, wanted, again=not self._live)
        voice = self._voice(call, order_of(call, where)) if drive else None
        folder = recording.folder_of(call.scratch)
        live = Live(here, microphone, rate, voice, folder, self._background)
        try:
            live.capture.mute(muted)
            live.record(record)
            live.start()
        except BaseException:
            live.stop()
            raise
        self._live[name] = live
        device = live.device
        told = opened(live.voice) if live.voice is not None else {"notices": []}
        about = {"microphone": device.name, "rate": device.rate, "channels": device.channels}
        return {**live.state, **told, **about}, {}

    def read(self, call: Call) -> Reply:
        """What Blender asks many times a second.

        {session} -> {captured_s, peak, rms: of the last 50 ms from 0 to 1, silent: only zeros for
        2 s, muted, overflows: times that the device lost sound, dropped: samples that we lost,
        waiting: samples not worked on yet, records, recording: path of the latest, recorded_s,
        drives: whether a face follows, frames: made so far, first_frame, delay_ms: from sound to
        frame without the look-ahead ahead_ms of the network, latency_ms: the device's part of it,
        began_s: time of the first sample by ``time.monotonic``, network_ms_per_frame, error: why
        the microphone has stopped, notices: sentences that were not told yet}, arrays of the frames
        since the last time, from first_frame on: "weights" (F, P), "jaw" (F, 4, 4), "eyes"
        (F, 2, 2), with head motion "head"
        (F, 3). The last frame is the newest. Without a face there are no arrays.
        """
        arguments.only(call.args, ("session",), "live_read")
        live = self._of(call, "live_read")
        return self._answer(live, call, False)

    def set(self, call: Call) -> Reply:
        """Change what is given, from now on; what is left out stays.

        ``muted``: silence is heard and recorded, and time goes on. ``record``: begin a new
        recording, or end the one that runs. ``settings``: the face's, all that are not the model's;
        those before the network, but emotion that is set by hand, cannot change.

        {session, muted, record, settings} -> what "live_read" tells, without frames.
        """
        where = "live_set"
        args = call.args
        arguments.only(args, ("session", "muted", "record", "settings"), where)
        live = self._of(call, where)
        if args.get("settings") is not None:
            if live.voice is None:
                raise UserError("No face follows this microphone.", "Start live mode with one.")
            live.voice.face.change(arguments.table(args, "settings", where))
        if args.get("muted") is not None:
            live.capture.mute(arguments.flag(args, "muted", where))
        if args.get("record") is not None:
            if live.error and arguments.flag(args, "record", where):
                raise UserError(live.error)
            live.record(arguments.flag(args, "record", where))
        return live.state, {}

    def close(self, call: Call) -> Reply:
        """Switch the microphone off, and give the last frames; ``discard`` makes no more of them.

        {session, discard} -> as "live_read"; {recording, recorded_s} are then whole.
        """
        arguments.only(call.args, ("session", "discard"), "live_close")
        live = self._of(call, "live_close")
        discard = arguments.flag(call.args, "discard", "live_close")
        del self._live[_name(call, "live_close")]
        if discard:
            live.stop()
        return self._answer(live, call, True)

    def save(self, call: Call) -> Reply:
        """Write a recording as WAV: ``name`` in ``folder``, with the next number if it exists.

        ``rate`` is 48000 when it is left out; 0 keeps the microphone's, and with it every sample.

        {recording: path that "live_close" gave, folder, name, rate} -> {path, name, duration_s}.
        """
        where = "live_save"
        args = call.args
        arguments.only(args, ("recording", "folder", "name", "rate"), where)
        source = arguments.full_path(args, "recording", where)
        folder = arguments.full_path(args, "folder", where)
        if source is None or Path(source).parent != recording.folder_of(call.scratch):
            raise UserError("There is no recording to save.", "Record something first.")
        if folder is None:
            raise UserError("No folder was chosen for the recording.")
        if any(live.records and live.state["recording"] == source for live in self._live.values()):
            raise UserError("The recording still runs.", "End it first.")
        rate = arguments.whole(args, "rate", where)
        rate = recording.SAVED_RATE if rate is None else rate

        def between(share: float) -> None:
            if call.cancelled():
                raise Cancelled
            call.progress(share, "Saving the recording")

        name = arguments.text(args, "name", where) or ""
        path, seconds = recording.save(Path(source), Path(folder), name, rate, between)
        return {"path": str(path), "name": path.stem, "duration_s": seconds}, {}

    def _voice(self, call: Call, order: Order) -> Callable[[int], LiveVoice]:
        return lambda rate: open_voice(self._kept, call, order, rate, 1, BLOCK_S)

    def _answer(self, live: Live, call: Call, end: bool) -> Reply:
        voice = live.voice
        if voice is not None and voice.device == "tensorrt":  # which may build an engine first
            call.progress(0.0, "Listening to the voice", ENGINE_PATIENCE_S)
        first = voice.frames if voice is not None else 0
        tracks = live.finish(call.cancelled) if end else live.look(call.cancelled)
        news = live.news + (voice.notices if end and voice is not None else [])
        result: Fields = {**live.state, "first_frame": first, "notices": news}
        if voice is None:
            return result, {}
        return result, frame_arrays(tracks, voice)

    def _of(self, call: Call, where: str) -> Live:
        live = self._live.get(_name(call, where))
        if live is None:
            raise UserError("The microphone is not on.", "Start live mode again.")
        return live


def _name(call: Call, where: str) -> str:
    name = arguments.text(call.args, "session", where)
    if not name:
        raise UserError(f"{where} does not name its session.")
    return name
