# SPDX-License-Identifier: GPL-3.0-or-later
"""Change one thing, redo only what follows.

A workbench keeps what every stage gave for one face. Each stage has a key: the parameters that the
table assigns to it and the results that it works on. What has the same key is kept, so a moved
slider costs only the stages after it, and the result is that of a fresh run, bit for bit (a fresh
run is a workbench too).

| stage | from | what it holds |
|---|---|---|
| voice | the voice's range and channel, its file | samples |
| emotion | samples, emotion parameters | the emotion that the network is given |
| network | samples, emotion, network parameters | the motion |
| skin | motion, skin parameters | right sides of the skin's solve |
| tongue, teeth, eyes | motion, their own | right sides, rigid motions, angles |
| head | samples, its own | the head's angles, if it is to move |
| skin_solve, tongue_solve | strengths, poses in use, pairs | the prepared solver |
| skin_weights, tongue_weights | right sides, solver | weights of the solve |
| weights | those, multipliers, offsets, clamp | weights of all poses |
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from . import limits
from .arrays import Floats
from .emotion.detection import Detection
from .emotion.source import (
    EmotionSource,
    columns,
    detect,
    detection_identity,
    emotion_defaults,
    emotion_notices,
    mix_emotion,
)
from .emotion.track import EmotionTrack, expression_notices
from .errors import UserError
from .face.shaping import AT_FACE, Shaper
from .face.stages import missing_rigs
from .kept_stages import Kept, KeptStages, array_bytes, fingerprint, stage_values
from .models.model import Model, load_model, settings_for
from .motion import Motion, at_rate
from .network.listening import listen
from .network.running import Meter
from .parameters import AUTO_EMOTION, PARAMETERS, Settings
from .postprocess.head_motion import turns_head
from .solve.pose_table import RigOverrides
from .take import Loaded, Request, Take
from .voice.audio import Clip, Voice, read_voice
from .voice.power import VoicePower
from .watch import Check, Progress, Watch
from .windows import exact_fps, take_frames

_AT_VOICE, _AT_EMOTION, _AT_NETWORK = 0.03, 0.05, 0.06  # share of the work done before
_VOICE, _EMOTION = "Reading the voice", "Reading the emotion"
_NETWORK = "Listening to the voice"
_STAGES = ("voice", "emotion", "network", "postprocess", "solve")  # of a take's timings


@dataclass(frozen=True)
class _Heard:
    """All that the stages after the network need, and what a take tells of those before.

    ``samples`` of the voice at 16 kHz; ``motion`` at the network's own rate; ``power`` of the
    voice, None where head motion is off.
    """

    motion: Kept[Motion]
    power: Kept[Floats] | None
    samples: int
    voice_name: str
    voice_sha256: str
    emotion: EmotionTrack
    device: str
    network_ms_per_frame: float
    notices: tuple[str, ...]


@dataclass(frozen=True)
class _Spoken:
    """What the network gave, with what was measured meanwhile."""

    motion: Motion
    ms_per_frame: float
    notices: tuple[str, ...]


class Workbench:
    """One face that is worked on. ``counts`` how often each stage was made, by name."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self._model = loaded.model  # of the person that was asked for last
        self._kept = KeptStages()
        self._shaper = Shaper(self._kept)
        self._request: Request | None = None
        self._mark: Hashable = None
        self._take: Take | None = None

    @classmethod
    def from_take(cls, loaded: Loaded, take: Take) -> Workbench:
        """A workbench that goes on from a saved take. It has no voice, so only ``redo`` is cheap.

        Raises UserError when the take was made with another model or another person of it.
        """
        take.check_model(loaded.model)
        bench = cls(loaded)
        bench._take = take
        return bench

    @property
    def counts(self) -> Counter[str]:
        """How often each stage was made."""
        return self._kept.counts

    @property
    def size(self) -> int:
        """Bytes that the stages' results take, without the model and its network."""
        return self._kept.size + array_bytes(self._take)

    def face(
        self, request: Request, progress: Progress | None = None, cancelled: Check | None = None
    ) -> Take:
        """The take that the request asks for; only what changed since the last one is done.

        The model's folder, device and threads of the request are not looked at: ``loaded`` has
        them. Where the settings name another person of the folder, that one is read.
        Raises UserError and Cancelled; then what was kept before stays.
        """
        return self._run(request, _mark(request.voice), progress, cancelled)

    def _run(
        self, request: Request, mark: Hashable, progress: Progress | None, cancelled: Check | None
    ) -> Take:
        watch = Watch(progress, cancelled, dict.fromkeys(_STAGES, 0.0))
        settings = self._settings(request)
        rate = exact_fps(request.fps)
        clip = self._voice(request.voice, mark, watch)
        take_frames(len(clip.samples), rate)  # too many are refused before the network runs
        heard = self._listen(clip, settings, request, rate, watch)
        take = self._shape(heard, settings, request.rigs, rate, watch)
        self._request, self._mark, self._take = request, mark, None
        return take

    def redo(
        self,
        settings: Mapping[str, object] | None = None,
        rigs: RigOverrides | None = None,
        fps: Fraction | None = None,
        progress: Progress | None = None,
        cancelled: Check | None = None,
    ) -> Take:
        """The same face with other values; what is None stays as it is.

        ``settings`` are meant as in a request: names left out are the model's. On a saved take,
        only what comes after the network can change, and another frame rate is interpolated.
        Raises UserError, also when that would need the voice, and Cancelled.
        """
        if self._request is not None:
            changed = replace(
                self._request,
                settings=self._request.settings if settings is None else settings,
                rigs=self._request.rigs if rigs is None else rigs,
                fps=self._request.fps if fps is None else fps,
            )
            # The voice is the one that was heard, even if its file has gone by now.
            return self._run(changed, self._mark, progress, cancelled)
        if self._take is None:
            raise UserError("There is no face yet that could be changed.", "Animate a voice first.")
        take, self._model = self._take, self.loaded.model
        watch = Watch(progress, cancelled, dict.fromkeys(_STAGES, 0.0))
        values = self._settings_of_take(take, settings)
        motion = self._kept.get("take", 0, lambda: take.motion, counted=False)
        own = missing_rigs(self.loaded.model)
        saved = take.voice_power
        heard = _Heard(
            motion=motion,
            power=None if saved is None else self._kept.get("power", 0, lambda: saved, False),
            samples=round(take.face.duration_s * limits.SAMPLE_RATE),
            voice_name=take.voice_name,
            voice_sha256=take.voice_sha256,
            emotion=take.emotion,
            device=take.device,
            network_ms_per_frame=take.network_ms_per_frame,
            notices=tuple(notice for notice in take.face.notices if notice not in own),
        )
        rate = take.face.fps if fps is None else exact_fps(fps)
        rigs = take.rigs if rigs is None else rigs
        self._take = self._shape(heard, values, rigs, rate, watch)
        return self._take

    def _settings_of_take(self, take: Take, settings: Mapping[str, object] | None) -> Settings:
        """All values for a saved take. What mixed its emotion is not asked again, so it stays."""
        if settings is None:
            return settings_for(self.loaded.model, take.values)
        mixing = {
            row.name: take.values[row.name] for row in AUTO_EMOTION if row.name in take.values
        }
        values = settings_for(self.loaded.model, {**mixing, **settings})
        _check_later_stages(values, take)
        return values

    # ---- up to the motion -----------------------------------------------------------------------

    def _settings(self, request: Request) -> Settings:
        """All values; another person of the folder is read when they name one."""
        values: dict[str, object] = dict(request.settings)
        if self.loaded.emotion_model is not None and request.emotion.mode != "off":
            values = {**emotion_defaults(self.loaded.emotion_model), **values}
        model = self._person(values)
        settings = settings_for(model, values)
        self._model = model
        return settings

    def _person(self, values: Mapping[str, object]) -> Model:
        """The model of the person whom the values name: the loaded one's when they do not."""
        own = self.loaded.model
        if "identity" not in values or not own.identities:
            return own
        wanted = values["identity"] or own.identities[0]
        name = wanted.casefold() if isinstance(wanted, str) else ""
        for model in (own, self._model):
            if model.sha256 == own.sha256 and model.identity.casefold() == name:
                return model
        person = load_model(own.folder, wanted if isinstance(wanted, str) else "")
        return person.low_delay() if own.live else person

    def _voice(self, voice: Voice, mark: Hashable, watch: Watch) -> Clip:
        def read() -> Clip:
            with watch.stage("voice", _AT_VOICE, _VOICE):
                return read_voice(voice, lambda: watch.tell(_AT_VOICE, _VOICE))

        return self._kept.get("voice", (voice, mark), read).value

    def _listen(
        self, clip: Clip, settings: Settings, request: Request, rate: Fraction, watch: Watch
    ) -> _Heard:
        model, network = self._model, self.loaded.network
        voice = request.voice
        heard = (clip.sha256, voice.start_s, voice.end_s, voice.channel)
        # A diffusion network has a rate of its own; every other is asked at the face's.
        own = model.info.fps or rate
        emotion = self._emotion(clip, settings, request.emotion, own, heard, watch)

        def speak() -> _Spoken:
            meter = Meter(
                lambda share: watch.tell(_AT_NETWORK + share * (AT_FACE - _AT_NETWORK), _NETWORK),
                watch.cancelled,
            )
            with watch.stage("network", _AT_NETWORK, _NETWORK):
                motion = listen(
                    network, model, clip, rate, emotion, settings,
                    checkpoint=request.checkpoint, meter=meter,
                )  # fmt: skip
            return _Spoken(motion, meter.ms_per_frame, tuple(meter.notices))

        key = (
            self._who(), heard, own, _network_values(settings),
            fingerprint(emotion.times_s, emotion.values),
        )  # fmt: skip
        spoken = self._kept.get("network", key, speak)
        power = None
        if turns_head(settings):
            gain = settings.input_strength
            power = self._kept.get(
                "power", (heard, gain), lambda: VoicePower(gain).push(clip.samples), counted=False
            )
        return _Heard(
            motion=Kept(spoken.value.motion, spoken.version),
            power=power,
            samples=len(clip.samples),
            voice_name=clip.name,
            voice_sha256=clip.sha256,
            emotion=emotion,
            device=network.device,
            network_ms_per_frame=spoken.value.ms_per_frame,
            notices=_once(
                clip.notices,
                emotion_notices(request.emotion, self.loaded.detector),
                expression_notices(model, request.settings),
                network.notices,
                spoken.value.notices,
            ),
        )

    def _emotion(
        self,
        clip: Clip,
        settings: Settings,
        source: EmotionSource,
        fps: Fraction,
        heard: Hashable,
        watch: Watch,
    ) -> EmotionTrack:
        names, detector = self._model.info.emotions, self.loaded.detector

        def hear() -> Detection | None:
            with watch.stage("emotion", _AT_EMOTION, _EMOTION):
                return detect(
                    source, clip, fps, settings, detector,
                    lambda share: watch.tell(
                        _AT_EMOTION + share * (_AT_NETWORK - _AT_EMOTION), _EMOTION
                    ),
                    watch.cancelled, self._model.ahead if self._model.live else None,
                )  # fmt: skip

        key = (heard, detector is None, detection_identity(source, settings, fps))
        detection = self._kept.get("detection", key, hear, counted=detector is not None)

        def mix() -> EmotionTrack:
            watch.tell(_AT_EMOTION, _EMOTION)
            track = mix_emotion(source, settings, detection.value, detector)
            return EmotionTrack(track.times_s, columns(track.values, names))

        values = stage_values(settings, "emotion")
        return self._kept.get(
            "emotion", (detection.version, names, source.identity, values), mix
        ).value

    def _who(self) -> Hashable:
        return self._model.sha256, self._model.identity_index

    # ---- from the motion to the face ------------------------------------------------------------

    def _shape(
        self, heard: _Heard, settings: Settings, rigs: RigOverrides, rate: Fraction, watch: Watch
    ) -> Take:
        model = self._model
        count = take_frames(heard.samples, rate)
        motion = self._kept.get(
            "rate", (heard.motion.version, rate, count),
            lambda: at_rate(heard.motion.value, rate, count), counted=False,
        )  # fmt: skip
        face = self._shaper.face(
            model, motion, settings, rigs, heard.samples / limits.SAMPLE_RATE, heard.notices, watch
        )
        head = self._shaper.head(heard.power, settings, rate, count, heard.voice_name)
        watch.tell(1.0, "Done")
        return Take(
            face=replace(face, head=head),
            motion=heard.motion.value,
            voice_name=heard.voice_name,
            voice_sha256=heard.voice_sha256,
            model_name=model.name,
            model_sha256=model.sha256,
            settings=settings,
            timings=watch.timings,
            emotion=heard.emotion,
            emotion_names=model.info.emotions,
            rigs=rigs,
            identity=model.identity,
            device=heard.device,
            network_ms_per_frame=heard.network_ms_per_frame,
            voice_power=None if heard.power is None else heard.power.value,
        )


def _once(*notices: tuple[str, ...]) -> tuple[str, ...]:
    """All notices in their order; two networks may say the same of their processor."""
    return tuple(dict.fromkeys(notice for some in notices for notice in some))


def _mark(voice: Voice) -> Hashable:
    """Time and size of the voice's file, so that a file that was saved again is read again."""
    if voice.path is None:
        return None
    try:
        found = os.stat(voice.path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _network_values(settings: Settings) -> Hashable:
    """The network's parameters; who the person is stands in the key already."""
    return stage_values(replace(settings, identity=""), "network")


def _check_later_stages(settings: Settings, take: Take) -> None:
    """Raises UserError where a change would need the voice, which a saved take does not have."""
    for name, row in PARAMETERS.items():
        if row.stage not in ("emotion", "network") or name in ("identity", *take.missing):
            continue
        if getattr(settings, name) != getattr(take.settings, name):
            raise UserError(
                f"{row.label} ({name}) comes before the network, so the saved take of "
                f"{take.voice_name} cannot be changed by it.",
                "Animate the voice again.",
            )
