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

from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from . import limits
from .arrays import Floats
from .emotion.track import EmotionTrack
from .errors import UserError
from .face.shaping import Shaper
from .face.stages import missing_rigs
from .hearing import Asked, Hearer, hearing_notices, voice_mark
from .kept_stages import Kept, KeptStages, array_bytes
from .models.model import Model, settings_for
from .motion import Motion, at_rate
from .parameters import AUTO_EMOTION, PARAMETERS, Settings
from .preview import FramePreview, Previewer
from .solve.pose_table import RigOverrides
from .take import Loaded, Request, Take
from .voice.audio import Voice
from .watch import Check, Progress, Watch
from .windows import exact_fps, take_frames

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


class Workbench:
    """One face that is worked on. ``counts`` how often each stage was made, by name."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self._kept = KeptStages()
        self._hearer, self._shaper = Hearer(self._kept), Shaper(self._kept)
        self._previewer = Previewer(self._kept)
        self._voice: Voice | None = None
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
    def previewed(self) -> Counter[str]:
        """As ``counts``, of what was made for previews."""
        return self._previewer.counts

    @property
    def size(self) -> int:
        """Bytes that the stages' results take, without the model and its network."""
        return self._kept.size + self._previewer.size + array_bytes(self._take)

    @property
    def has_face(self) -> bool:
        """Whether there is a face that ``redo`` could change."""
        return self._request is not None or self._take is not None

    @property
    def voice(self) -> Voice | None:
        """The voice of the last face or preview; None before there was one."""
        return self._voice

    def face(
        self, request: Request, progress: Progress | None = None, cancelled: Check | None = None
    ) -> Take:
        """The take that the request asks for; only what changed since the last one is done.

        The model's folder, device and threads of the request are not looked at: ``loaded`` has
        them. Where the settings name another person of the folder, that one is read.
        Raises UserError and Cancelled; then what was kept before stays.
        """
        return self._run(request, voice_mark(request.voice), progress, cancelled)

    def preview(
        self, request: Request, frame: int, loaded: Loaded | None = None, watch: Watch | None = None
    ) -> FramePreview | None:
        """One frame of the face that the request asks for, see ``preview``; None needs a face.

        What is kept of the face stays as it is. ``loaded`` may have more than the workbench's own,
        such as what reads the emotion. Raises UserError and Cancelled.
        """
        mark = voice_mark(request.voice)
        if mark is None and self._request is not None and self._request.voice == request.voice:
            mark = self._mark  # its file has gone, but it was heard
        found = self._previewer.frame(
            loaded or self.loaded, request, mark, frame, self._take, watch or Watch()
        )
        self._voice = request.voice
        return found

    def _run(
        self, request: Request, mark: Hashable, progress: Progress | None, cancelled: Check | None
    ) -> Take:
        watch = Watch(progress, cancelled, dict.fromkeys(_STAGES, 0.0))
        rate = exact_fps(request.fps)
        asked = self._hearer.asked(self.loaded, request, mark, rate, watch)
        take_frames(len(asked.clip.samples), rate)  # too many are refused before the network runs
        heard = self._listen(asked, watch)
        take = self._shape(asked.model, heard, asked.settings, request.rigs, rate, watch)
        self._voice = request.voice
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
        take, model = self._take, self.loaded.model
        watch = Watch(progress, cancelled, dict.fromkeys(_STAGES, 0.0))
        values = self._settings_of_take(take, settings)
        motion = self._kept.get("take", 0, lambda: take.motion, counted=False)
        own = missing_rigs(model)
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
        self._take = self._shape(model, heard, values, rigs, rate, watch)
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

    def _listen(self, asked: Asked, watch: Watch) -> _Heard:
        emotion = self._hearer.emotion(asked, watch)
        spoken = self._hearer.spoken(asked, emotion, watch)
        return _Heard(
            motion=Kept(spoken.value.motion, spoken.version),
            power=self._hearer.power(asked),
            samples=len(asked.clip.samples),
            voice_name=asked.clip.name,
            voice_sha256=asked.clip.sha256,
            emotion=emotion,
            device=asked.loaded.network.device,
            network_ms_per_frame=spoken.value.ms_per_frame,
            notices=hearing_notices(asked, spoken.value.notices),
        )

    def _shape(
        self,
        model: Model,
        heard: _Heard,
        settings: Settings,
        rigs: RigOverrides,
        rate: Fraction,
        watch: Watch,
    ) -> Take:
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
