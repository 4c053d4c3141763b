# SPDX-License-Identifier: GPL-3.0-or-later
"""From a voice to the motion, stage by stage, keeping what each gave (see ``workbench``)."""

from __future__ import annotations

import os
from collections.abc import Hashable
from dataclasses import dataclass, replace
from fractions import Fraction

from .arrays import AnyArray, Floats
from .emotion.detection import Detection
from .emotion.source import (
    columns,
    detect,
    detection_identity,
    emotion_defaults,
    emotion_notices,
    mix_emotion,
)
from .emotion.track import EmotionTrack, expression_notices
from .face.shaping import AT_FACE
from .kept_stages import Kept, KeptStages, fingerprint, stage_values
from .models.model import Model, load_model, settings_for
from .motion import Motion
from .network.listening import listen
from .network.running import Meter
from .parameters import Settings
from .postprocess.head_motion import turns_head
from .take import Loaded, Request
from .voice.audio import Clip, Voice, read_voice
from .voice.power import VoicePower
from .watch import Watch

_AT_VOICE, _AT_EMOTION, _AT_NETWORK = 0.03, 0.05, 0.06  # share of the work done before
_VOICE, _EMOTION = "Reading the voice", "Reading the emotion"
_NETWORK = "Listening to the voice"


@dataclass(frozen=True)
class Asked:
    """A request with what it comes to: the model of its person, all values, its voice.

    ``rate`` is the face's, ``own`` that of the motion: a diffusion network has a rate of its own,
    every other is asked at the face's.
    """

    loaded: Loaded
    request: Request
    model: Model
    settings: Settings
    clip: Clip
    rate: Fraction

    @property
    def own(self) -> Fraction:
        return self.model.info.fps or self.rate

    @property
    def heard(self) -> Hashable:
        """Equal for the same sound."""
        voice = self.request.voice
        return (self.clip.sha256, voice.start_s, voice.end_s, voice.channel)

    @property
    def detection_key(self) -> Hashable:
        """Equal as long as the same emotion is detected."""
        source = self.request.emotion
        identity = detection_identity(source, self.settings, self.own)
        return (self.heard, self.loaded.detector is None, self.model.live, identity)

    def emotion_key(self, detection: Kept[Detection | None]) -> Hashable:
        """Equal as long as the same emotion is mixed from what was detected."""
        values = stage_values(self.settings, "emotion")
        names = self.model.info.emotions
        return (detection.version, names, self.request.emotion.identity, values)

    def network_key(self, *felt: AnyArray) -> Hashable:
        """Equal as long as the network says the same; ``felt`` is the emotion that it is given."""
        who = (self.model.sha256, self.model.identity_index, self.model.live)
        return (who, self.heard, self.own, network_values(self.settings), fingerprint(*felt))


@dataclass(frozen=True)
class Spoken:
    """What the network gave, with what was measured meanwhile."""

    motion: Motion
    ms_per_frame: float
    notices: tuple[str, ...]


class Hearer:
    """The stages up to the motion. What they give is kept in ``kept``."""

    def __init__(self, kept: KeptStages) -> None:
        self._kept = kept
        self._person: Model | None = None  # that was asked for last

    def asked(
        self, loaded: Loaded, request: Request, mark: Hashable, rate: Fraction, watch: Watch
    ) -> Asked:
        """Read what a request names; another person of the folder where its values say so.

        ``mark`` is another when the voice's file is (``voice_mark``). Raises UserError, Cancelled.
        """
        values: dict[str, object] = dict(request.settings)
        if loaded.emotion_model is not None and request.emotion.mode != "off":
            values = {**emotion_defaults(loaded.emotion_model.config), **values}
        self._person = model = self._named(loaded.model, values)
        settings = settings_for(model, values)
        clip = self._voice(request.voice, mark, watch)
        return Asked(loaded, request, model, settings, clip, rate)

    def _named(self, own: Model, values: dict[str, object]) -> Model:
        """The model of the person whom the values name: the loaded one's when they do not."""
        if "identity" not in values or not own.identities:
            return own
        wanted = values["identity"] or own.identities[0]
        name = wanted.casefold() if isinstance(wanted, str) else ""
        for model in (own, self._person or own):
            if model.sha256 == own.sha256 and model.identity.casefold() == name:
                return model
        person = load_model(own.folder, wanted if isinstance(wanted, str) else "")
        return person.low_delay() if own.live else person

    def _voice(self, voice: Voice, mark: Hashable, watch: Watch) -> Clip:
        def read() -> Clip:
            with watch.stage("voice", _AT_VOICE, _VOICE):
                return read_voice(voice, lambda: watch.tell(_AT_VOICE, _VOICE))

        return self._kept.get("voice", (voice, mark), read).value

    def emotion(self, asked: Asked, watch: Watch) -> EmotionTrack:
        """What the network is given over the whole voice. Raises UserError and Cancelled."""
        source, settings, detector = asked.request.emotion, asked.settings, asked.loaded.detector

        def hear() -> Detection | None:
            with watch.stage("emotion", _AT_EMOTION, _EMOTION):
                return detect(
                    source, asked.clip, asked.own, settings, detector,
                    lambda share: watch.tell(
                        _AT_EMOTION + share * (_AT_NETWORK - _AT_EMOTION), _EMOTION
                    ),
                    watch.cancelled, asked.model.ahead if asked.model.live else None,
                )  # fmt: skip

        detection = self._kept.get(
            "detection", asked.detection_key, hear, counted=detector is not None
        )

        def mix() -> EmotionTrack:
            watch.tell(_AT_EMOTION, _EMOTION)
            track = mix_emotion(source, settings, detection.value, detector)
            return EmotionTrack(track.times_s, columns(track.values, asked.model.info.emotions))

        return self._kept.get("emotion", asked.emotion_key(detection), mix).value

    def spoken(self, asked: Asked, emotion: EmotionTrack, watch: Watch) -> Kept[Spoken]:
        """What the network says to the whole voice. Raises UserError and Cancelled."""

        def speak() -> Spoken:
            meter = Meter(
                lambda share: watch.tell(_AT_NETWORK + share * (AT_FACE - _AT_NETWORK), _NETWORK),
                watch.cancelled,
            )
            with watch.stage("network", _AT_NETWORK, _NETWORK):
                motion = listen(
                    asked.loaded.network, asked.model, asked.clip, asked.rate, emotion,
                    asked.settings, checkpoint=asked.request.checkpoint, meter=meter,
                )  # fmt: skip
            return Spoken(motion, meter.ms_per_frame, tuple(meter.notices))

        key = asked.network_key(emotion.times_s, emotion.values)
        return self._kept.get("network", key, speak)

    def power(self, asked: Asked) -> Kept[Floats] | None:
        """What head motion needs of the voice; None where it is off."""
        if not turns_head(asked.settings):
            return None
        gain = asked.settings.input_strength
        return self._kept.get(
            "power", (asked.heard, gain), lambda: VoicePower(gain).push(asked.clip.samples),
            counted=False,
        )  # fmt: skip


def voice_mark(voice: Voice) -> Hashable:
    """Time and size of the voice's file, so that a file that was saved again is read again."""
    if voice.path is None:
        return None
    try:
        found = os.stat(voice.path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def network_values(settings: Settings) -> Hashable:
    """The network's parameters; who the person is stands in the keys already."""
    return stage_values(replace(settings, identity=""), "network")


def hearing_notices(asked: Asked, spoken: tuple[str, ...] = ()) -> tuple[str, ...]:
    """All notices up to the motion in their order; two networks may say the same of a processor."""
    some = (
        asked.clip.notices,
        emotion_notices(asked.request.emotion, asked.loaded.detector),
        expression_notices(asked.model, asked.request.settings),
        asked.loaded.network.notices,
        spoken,
    )
    return tuple(dict.fromkeys(notice for notices in some for notice in notices))
