# SPDX-License-Identifier: GPL-3.0-or-later
"""A face that is animated while its voice comes in.

The stages are those of a take, fed with blocks; each keeps an explicit state. However the voice is
cut into pieces, the frames are those of the same voice animated as a whole, with one exception: a
blink that would be cut off by the voice's end is left out of a take, but nobody knows the end of a
voice that goes on. Such a blink begins, in the last half second, and stays unfinished. Animating
the finished voice again gives the take. (Emotion that a take would judge over a timeline's keys is
detected frame by frame here, as keys need the whole voice.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction

import numpy as np

from . import limits
from .arrays import Floats
from .emotion.detection import Detector
from .emotion.source import EmotionSource, columns, emotion_defaults, emotion_notices, mix_emotion
from .emotion.stream import EmotionStream
from .emotion.track import EmotionTrack, expression_notices
from .errors import UserError
from .face.growth import with_more_shapes
from .face.stages import (
    FaceState,
    PreparedFace,
    face_bases,
    face_block,
    missing_rigs,
    prepare_face,
)
from .face.track import FaceTrack
from .models.model import settings_for
from .motion import Motion, frames_at_rate, joined
from .network.running import Meter
from .network.stream import FixedEmotion, HeardEmotion, LiveEmotion, RateStream, network_stream
from .parameters import PARAMETERS, Settings, Value
from .postprocess.blink import blink_track
from .postprocess.head_motion import HeadMotion, turns_head
from .solve.pose_table import RigOverrides
from .take import Loaded
from .voice.power import VoicePower
from .windows import count_frames, exact_fps


class LiveFace:
    """``push`` samples of a voice, get the frames that are ready; ``finish`` gives the rest.

    ``loaded``    model and network; ``settings`` the user's values by parameter name, as in a
                  request (the person is the loaded one), ``rigs`` and ``emotion`` likewise
    ``fps``       of the face, exact; frames of a diffusion model are interpolated
    ``ahead``     samples after a frame that its detected emotion may wait for; None waits for as
                  many as a take hears (up to 1.9 s), fewer hold the emotion of a little earlier
    ``cancelled`` is asked between runs of the network

    ``names`` are those of the frames' weights, ``jaw_rest`` as in ``FaceTrack``, ``state.frame``
    the number of the next frame, ``meter`` holds the network's time, ``ahead_s`` is the sound after
    a frame that is waited for. Raises UserError as ``animate``.
    """

    def __init__(
        self,
        loaded: Loaded,
        fps: Fraction,
        settings: Mapping[str, object] | None = None,
        rigs: RigOverrides | None = None,
        emotion: EmotionSource | None = None,
        ahead: int | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        source = emotion or EmotionSource()
        values = dict(settings or {})
        self._source, self._rigs = source, rigs or RigOverrides()
        self._defaults: dict[str, Value] = {}
        detector = _detector(loaded, source)
        if detector is not None:
            self._defaults = emotion_defaults(detector.model.config)
            values = {**self._defaults, **values}
        self.model = loaded.model
        self.settings = settings_for(self.model, values)
        self.fps = exact_fps(fps)
        self.meter = Meter(cancelled=cancelled)
        self.state = FaceState()
        self._stream = network_stream(
            loaded.network, self.model, self.settings, self.fps, self.meter
        )
        self._emotion = self._live_emotion(source, detector, ahead)
        self._notices = (
            *loaded.network.notices,
            *emotion_notices(source, detector),
            *expression_notices(self.model, values),
        )
        nothing = self._stream.nothing()
        self._rate = RateStream(self.fps, nothing)
        self._bases = face_bases(self.model)
        self._prepared = self._ready(self.settings)
        self._width = _width(nothing)
        self._power = VoicePower(self.settings.input_strength)
        self._head = HeadMotion(self.fps, self.settings)  # listens even while it is off
        still = frames_at_rate(nothing, self.fps, 0, 1)
        first = face_block(self._prepared, still, np.zeros(1))[0]
        self.names, self.jaw_rest = first.names, first.jaw_rest

    @property
    def notices(self) -> tuple[str, ...]:
        """Sentences for the user: nothing failed, but it is worth knowing."""
        return (*self._notices, *self._stream.notices, *missing_rigs(self.model))

    @property
    def turns_head(self) -> bool:
        """Whether the next frames come with head motion."""
        return turns_head(self.settings)

    @property
    def ahead_s(self) -> float:
        """Seconds after a frame that have to be heard before it is there, at the most."""
        return max(self._stream.ahead, self._emotion.ahead) / limits.SAMPLE_RATE

    def change(self, settings: Mapping[str, object]) -> None:
        """Go on with other values from the next frame on; names left out are the model's.

        Raises UserError, and then nothing changes, for what comes before the network; emotion that
        is set by hand may change.
        """
        wanted = settings_for(self.model, {**self._defaults, **settings})
        heard = not isinstance(self._emotion, FixedEmotion)
        fixed = ("network", "emotion") if heard else ("network",)
        for name, row in PARAMETERS.items():
            if row.stage in fixed and getattr(wanted, name) != getattr(self.settings, name):
                raise UserError(
                    f"{row.label} ({name}) cannot change while a voice comes in.",
                    "Start live mode again.",
                )
        self._prepared = self._ready(wanted)
        self.settings = wanted
        self._head.change(wanted)
        if not heard:
            self._emotion = self._live_emotion(self._source, None, None)

    def _ready(self, settings: Settings) -> PreparedFace:
        shapes = self._stream.shapes_after(0, 0)
        return prepare_face(self.model, shapes, settings, self._rigs, self._bases)

    def push(self, samples: Floats) -> FaceTrack | None:
        """Take (n,) float32 mono samples at 16 kHz; the frames that became ready, None for none.

        Raises Cancelled and UserError, after which the face is of no more use.
        """
        self._stream.push(samples)
        self._emotion.push(samples)
        self._head.push(self._power.push(samples))
        return self._face(self._rate.push(self._heard()), ended=False)

    def finish(self) -> FaceTrack | None:
        """The voice has ended: the frames that are left, None for none. Raises as ``push``."""
        self._stream.close()
        self._emotion.close()
        ready = self._rate.push(self._heard())
        rest = self._rate.finish(count_frames(self._stream.sample_count, self.fps))
        return self._face(joined([ready, rest]), ended=True)

    def _heard(self) -> Motion:
        """All that the network can say by now."""
        parts: list[Motion] = []
        while (motion := self._stream.step(self._emotion)) is not None:
            parts.append(motion)
        return joined([*parts, self._stream.nothing()])

    def _face(self, motion: Motion, ended: bool) -> FaceTrack | None:
        count = motion.frame_count
        if not count:
            return None
        if _width(motion) != self._width:
            # The motion has got more shapes: the filters go on, the solve is told of them.
            added = self._stream.shapes_after(*self._width)
            self._prepared = with_more_shapes(self._prepared, added, self._bases)
            self._width = _width(motion)
        blink = blink_track(
            count, self.fps, self.model.data.blink_profile, self.settings, self.state.frame, ended
        )
        head = self._head.frames(self.state.frame, count)
        track, self.state = face_block(self._prepared, motion, blink, self.state)
        return replace(track, head=head if self.turns_head else None)

    def _live_emotion(
        self, source: EmotionSource, detector: Detector | None, ahead: int | None
    ) -> LiveEmotion:
        names, fps = self.model.info.emotions, self._stream.fps
        if detector is None:
            track = mix_emotion(source, self.settings, None)
            return FixedEmotion(EmotionTrack(track.times_s, columns(track.values, names)), fps)
        stream = EmotionStream(source, self.settings, fps, names, detector, ahead=ahead)
        return HeardEmotion(stream, len(names))


def _detector(loaded: Loaded, source: EmotionSource) -> Detector | None:
    if source.mode == "off" or loaded.emotion_model is None or loaded.emotion_network is None:
        return None
    return Detector(loaded.emotion_model, loaded.emotion_network)


def _width(motion: Motion) -> tuple[int, int]:
    return motion.skin.shape[1], motion.tongue.shape[1]
