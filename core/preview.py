# SPDX-License-Identifier: GPL-3.0-or-later
"""One frame of a face, at once, while somebody moves a slider.

It is frame n of the take that the same request would give, to ``face.frame.TOLERANCE`` of a weight;
the angles of head and eyes and the blinks are the take's own. What the take's workbench keeps is
used and never replaced; what else is needed is kept beside it.

========================  =====================================================================
what changed              what is done
========================  =====================================================================
after the network         a few frames of the kept motion go through the later stages
network or emotion        a regression network hears the windows of those frames; the emotion is
                          heard and mixed near them only
the same, diffusion       nothing: its state is carried from the voice's begin, so a whole run is
                          needed (``Previewer.frame`` gives None)
========================  =====================================================================
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, replace

import numpy as np

from . import limits
from .arrays import Floats
from .emotion.detection import LONGEST, Detection, default_skip
from .emotion.near import HeardWindows, emotion_near, windows_of
from .emotion.source import columns
from .emotion.track import EmotionTrack
from .face.frame import FrameShaper, Moment, RunUp
from .face.shaping import Shaper
from .face.track import FaceTrack
from .hearing import Asked, Hearer, hearing_notices, network_values
from .kept_stages import Kept, KeptBeside, KeptStages, fingerprint
from .motion import Motion, frames_at_rate
from .network.listening import listen_near
from .network.running import Meter
from .parameters import Settings
from .postprocess.head_motion import turns_head
from .take import Loaded, Request, Take
from .voice.power import VoicePower
from .watch import Watch
from .windows import exact_fps, frame_samples, take_frames


@dataclass(frozen=True)
class FramePreview:
    """Frame ``frame`` of a face. ``face`` holds it alone, at the request's rate.

    ``emotion``  (E,) what the network is given there, in the order of ``emotion_names``
    """

    frame: int
    face: FaceTrack
    emotion: Floats
    emotion_names: tuple[str, ...]
    settings: Settings
    model_name: str
    identity: str
    device: str


class Previewer:
    """Frames of one face, beside what its workbench keeps in ``others``."""

    def __init__(self, others: KeptStages) -> None:
        self._kept = KeptBeside(others)
        self._hearer = Hearer(self._kept)
        self._shaper = Shaper(self._kept)
        self._frames = FrameShaper(self._kept)

    @property
    def counts(self) -> Counter[str]:
        """How often each stage was made here; "windows" and "emotion_windows" are those near."""
        return self._kept.counts

    @property
    def size(self) -> int:
        """Bytes that are kept beside the workbench's."""
        return self._kept.size

    def frame(
        self,
        loaded: Loaded,
        request: Request,
        mark: Hashable,
        number: int,
        take: Take | None,
        watch: Watch,
    ) -> FramePreview | None:
        """Frame ``number`` of the face that a request asks for; the nearest if it has none such.

        ``mark`` as in ``hearing``; ``take`` a saved one whose motion serves where it is the
        request's. None: the network has to be run as a whole first. Raises UserError and Cancelled.
        """
        rate = exact_fps(request.fps)
        asked = self._hearer.asked(loaded, request, mark, rate, watch)
        total = take_frames(len(asked.clip.samples), rate)
        number = min(max(number, 0), total - 1)
        run_up = self._frames.run_up(asked.model, asked.settings, request.rigs, rate)
        first = max(number - run_up.frames, 0)
        emotion, whole = self._emotion(asked, (first, number), take is not None, watch)
        motion = self._motion(asked, emotion, whole, (first, number), take)
        if motion is None or emotion is None:
            return None
        moment = Moment(
            number, total, motion, len(asked.clip.samples) / limits.SAMPLE_RATE,
            hearing_notices(asked),
        )  # fmt: skip
        face = self._face(asked, moment, run_up)
        time_s = frame_samples(1, rate, number) / limits.SAMPLE_RATE
        return FramePreview(
            frame=number,
            face=face,
            emotion=emotion.sample(time_s)[0],
            emotion_names=asked.model.info.emotions,
            settings=asked.settings,
            model_name=asked.model.name,
            identity=asked.model.identity,
            device=loaded.network.device,
        )

    # ---- the emotion ----------------------------------------------------------------------------

    def _emotion(
        self, asked: Asked, frames: tuple[int, int], saved: bool, watch: Watch
    ) -> tuple[EmotionTrack | None, bool]:
        """The emotion at least in the frames, and whether it is the whole voice's."""
        source, detector = asked.request.emotion, asked.loaded.detector
        if detector is None or source.mode == "off":
            return self._hearer.emotion(asked, watch), True
        detection = self._kept.find("detection", asked.detection_key)
        known = detection is not None and (
            source.mode == "keys"
            or self._kept.find("emotion", asked.emotion_key(detection)) is not None
        )
        diffusion = asked.model.info.diffusion is not None
        if known or (diffusion and (detection is not None or saved)):
            return self._hearer.emotion(asked, watch), True
        if diffusion:
            return None, False
        return self._emotion_near(asked, frames, detection), False

    def _emotion_near(
        self, asked: Asked, frames: tuple[int, int], detection: Kept[Detection] | None
    ) -> EmotionTrack:
        source, settings, detector = asked.request.emotion, asked.settings, asked.loaded.detector
        if detector is None:
            raise ValueError("nothing is detected without a detector")
        windows = windows_of(source, settings, asked.own, detector)
        skip = default_skip(asked.own, detector.length(LONGEST))
        kept = self._kept.get(
            "emotion_rows", (asked.heard, source.model, windows), HeardWindows, counted=False
        ).value

        def heard(first: int, last: int) -> Floats:
            if detection is not None:  # frame by frame, several frames to a window
                return detection.value.logits[np.arange(first, last) * (skip + 1)]
            before = len(kept.rows)
            rows = kept.logits(detector, asked.clip.samples, windows, first, last)
            self._kept.counts["emotion_windows"] += len(kept.rows) - before
            return rows

        track = emotion_near(
            source, settings, asked.own, detector, len(asked.clip.samples), frames, heard
        )
        return EmotionTrack(track.times_s, columns(track.values, asked.model.info.emotions))

    # ---- the motion -----------------------------------------------------------------------------

    def _motion(
        self,
        asked: Asked,
        emotion: EmotionTrack | None,
        whole: bool,
        frames: tuple[int, int],
        take: Take | None,
    ) -> Kept[Motion] | None:
        """The motion of the frames first .. last at the face's rate; None needs a whole run."""
        if emotion is None:
            return None
        motion = self._whole_motion(asked, emotion, take) if whole else None
        first, last = frames
        if motion is not None:
            part = frames_at_rate(motion.value, asked.rate, first, last + 1)
            total = take_frames(len(asked.clip.samples), asked.rate)
            own = self._kept.find("rate", (motion.version, asked.rate, total))
            return Kept(part, motion.version if own is None else own.version)
        if asked.model.info.diffusion is not None:
            return None
        rows = emotion.sample(
            frame_samples(last + 1 - first, asked.rate, first) / limits.SAMPLE_RATE
        )
        key = (asked.network_key(rows), frames)
        return self._kept.get(
            "windows", key,
            lambda: listen_near(
                asked.loaded.network, asked.model, asked.clip, asked.rate, first, last + 1 - first,
                emotion, asked.settings, Meter(),
            ),
        )  # fmt: skip

    def _whole_motion(
        self, asked: Asked, emotion: EmotionTrack, take: Take | None
    ) -> Kept[Motion] | None:
        spoken = self._kept.find("network", asked.network_key(emotion.times_s, emotion.values))
        if spoken is not None:
            return Kept(spoken.value.motion, spoken.version)
        if take is not None and _is_motion_of(take, asked, emotion):
            return self._kept.get("take", 0, lambda: take.motion, counted=False)
        return None

    # ---- the face -------------------------------------------------------------------------------

    def _face(self, asked: Asked, moment: Moment, run_up: RunUp) -> FaceTrack:
        face = self._frames.face(asked.model, moment, asked.settings, asked.request.rigs, run_up)
        if not turns_head(asked.settings):
            return face
        head = self._shaper.moving_head(self._power(asked), asked.settings, asked.rate)
        return replace(face, head=head.frames(moment.frame, 1))

    def _power(self, asked: Asked) -> Kept[Floats]:
        """The voice's power, from that without gain where only the gain is another."""
        gain = asked.settings.input_strength
        found = self._kept.find("power", (asked.heard, gain))
        if found is not None:
            return found
        plain = self._kept.get(
            "plain_power", asked.heard, lambda: VoicePower().push(asked.clip.samples), counted=False
        ).value  # fmt: skip
        return self._kept.get(
            "power", (asked.heard, gain), lambda: plain * np.float32(gain * gain), counted=False
        )


def _is_motion_of(take: Take, asked: Asked, emotion: EmotionTrack) -> bool:
    """Whether a saved take's motion is what the network would say. The range is not in a take."""
    model, known = asked.model, replace(take.settings, identity="")
    missing = {name: getattr(asked.settings, name) for name in take.missing}
    return (
        take.model_sha256 == model.sha256
        and take.identity in ("", model.identity)
        and take.voice_sha256 == asked.clip.sha256
        and round(take.face.duration_s * limits.SAMPLE_RATE) == len(asked.clip.samples)
        and take.motion.fps == asked.own
        and take.emotion_names == model.info.emotions
        and network_values(known.changed(missing)) == network_values(asked.settings)
        and fingerprint(take.emotion.times_s, take.emotion.values)
        == fingerprint(emotion.times_s, emotion.values)
    )
