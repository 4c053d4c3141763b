# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a take's emotion comes from: sliders, keys, the voice, and what is preferred or overridden.

With auto-emotion off and nothing preferred or overridden, keys (else the sliders) go to the network
as they are. In every other case the mix is
``strength * ((1 - share) * base + share * preferred)``:

===========  ==========================================  =========================================
mode         base                                        preferred, the first that there is
===========  ==========================================  =========================================
off          keys, else sliders                          overrides, loaded preferred
keys         detected around each key                    overrides, loaded preferred, the folder's
frames       detected per frame, filtered over time      overrides, loaded preferred, keys,
                                                         sliders that are not all 0, the folder's
===========  ==========================================  =========================================

Overrides are one vector: as soon as one emotion is overridden, the others that are not count as 0
in it. Without an Audio2Emotion network nothing is detected, and both modes are as "off": what the
user set by hand stays, and overrides act on that, or on neutral.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

import numpy as np

from .. import limits
from ..arrays import AnyArray, Doubles, Floats
from ..errors import UserError
from ..models.model import EmotionModelConfig
from ..parameters import EMOTION_NAMES, PARAMETERS, Settings, Value
from ..voice.audio import Clip
from .detection import LONGEST, Check, Detection, Detector, Progress, detect_frames, detect_keys
from .mixing import COUNT, EmotionMixer, MixSettings, blend, offline_keys
from .track import EmotionTrack, constant

Mode = Literal["off", "frames", "keys"]
MODES: tuple[Mode, ...] = ("off", "frames", "keys")


@dataclass(frozen=True)
class EmotionSource:
    """What the user says of a take's emotion, next to the settings.

    ``keys``       values (K, 10) in the order of ``EMOTION_NAMES``; None: the sliders
    ``model``      Audio2Emotion folder; empty is none
    ``mode``       auto-emotion: "off", "frames" (frame by frame) or "keys" (over the timeline)
    ``preferred``  (10,) loaded preferred emotion, 0..1 each; None is not set
    ``overrides``  strength by emotion name; None and values outside 0..1 mean not overridden
    ``beginning``  (10,) emotion before the first frame, 0..1 each; None is neutral

    Raises UserError for keys of another width, unknown modes and names, and strengths of
    ``preferred`` and ``beginning`` that are not between 0 and 1.
    """

    keys: EmotionTrack | None = None
    model: str = ""
    mode: Mode = "off"
    preferred: tuple[float, ...] | None = None
    overrides: Mapping[str, float | None] = field(default_factory=dict)
    beginning: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise UserError(
                f"There is no auto-emotion mode {self.mode!r}.", f"Choose {', '.join(MODES)}."
            )
        if self.keys is not None:
            if self.keys.values.shape[1] != COUNT:
                raise UserError(f"Emotion keys need {COUNT} values each, one per emotion.")
            self.keys.samples()  # refuses keys that would fall on one sample
        for text, vector in (("preferred", self.preferred), ("beginning", self.beginning)):
            if vector is not None:
                object.__setattr__(self, text, _strengths(text, vector))
        unknown = [name for name in self.overrides if name not in EMOTION_NAMES]
        if unknown:
            raise UserError(
                f"There is no emotion called {unknown[0]!r}.",
                f"There are {', '.join(EMOTION_NAMES)}.",
            )
        for name, value in self.overrides.items():
            if value is not None and not isinstance(value, (int, float)):
                raise UserError(f"The override of {name} has to be a number, not {value!r}.")

    @property
    def override(self) -> Doubles | None:
        """The overrides as one vector (10,), None when no emotion is overridden."""
        valid = {
            name: float(value)
            for name, value in self.overrides.items()
            if value is not None and 0.0 <= value <= 1.0
        }
        return np.array([valid.get(name, 0.0) for name in EMOTION_NAMES]) if valid else None

    @property
    def identity(self) -> tuple[object, ...]:
        """Equal for sources that mean the same; can be hashed."""
        keys = self.keys
        override = self.override
        return (
            None if keys is None else (keys.times_s.tobytes(), keys.values.tobytes()),
            self.model,
            self.mode,
            self.preferred,
            None if override is None else tuple(override),
            self.beginning,
        )


def _strengths(what: str, vector: tuple[float, ...]) -> tuple[float, ...]:
    if len(vector) != COUNT:
        raise UserError(f"The {what} emotion has to be {COUNT} numbers.")
    for name, value in zip(EMOTION_NAMES, vector, strict=True):
        if not 0.0 <= value <= 1.0:
            raise UserError(
                f"The {what} emotion's {name} is {value}; it has to be between 0 and 1."
            )
    return tuple(float(value) for value in vector)


def emotion_defaults(config: EmotionModelConfig) -> dict[str, Value]:
    """Parameters that an Audio2Emotion folder sets, by name; the user's values go before them."""
    found: dict[str, float] = {
        "detected_emotion_contrast": config.contrast,
        "max_emotions": config.max_emotions,
        "live_blend": config.live_blend,
        "preferred_strength": config.preferred_strength,
        "live_transition": config.transition_s,
        "overall_emotion_strength": config.strength,
    }
    rows = {name: PARAMETERS[name] for name in found}
    return {name: min(max(found[name], row.minimum), row.maximum) for name, row in rows.items()}


def emotion_notices(source: EmotionSource, detector: Detector | None) -> tuple[str, ...]:
    """Sentences for the user about what the emotion is made from."""
    if source.mode == "off":
        return ()
    if detector is None:
        return ("Emotion is not detected from the voice: no Audio2Emotion folder is chosen.",)
    return detector.network.notices


def hand_made(source: EmotionSource, settings: Settings) -> EmotionTrack:
    """The emotion that the user set: keys, else the sliders. Values (K, 10)."""
    return source.keys or constant(settings.emotion(EMOTION_NAMES))


def preferred_emotion(
    source: EmotionSource, settings: Settings, detector: Detector | None
) -> EmotionTrack | None:
    """What is mixed in, as the table above says; None is not set. Values (K, 10)."""
    chosen = source.override
    if chosen is not None:
        return constant(chosen)
    if source.preferred is not None:
        return constant(source.preferred)
    if detector is None or source.mode == "off":
        return None
    if source.mode == "frames":
        if source.keys is not None:
            return source.keys
        sliders = settings.emotion(EMOTION_NAMES)
        if any(sliders):
            return constant(sliders)
    config = detector.model.config
    return constant(config.preferred) if config.enable_preferred else None


def detection_identity(
    source: EmotionSource, settings: Settings, fps: Fraction
) -> tuple[object, ...]:
    """Equal as long as ``detect`` would hear the same of the same voice; can be hashed."""
    if source.mode == "frames":
        return (source.model, source.mode, fps)
    if source.mode == "keys":
        return (source.model, source.mode, settings.detection_range, settings.key_interval)
    return (source.mode,)


def detect(
    source: EmotionSource,
    clip: Clip,
    fps: Fraction,
    settings: Settings,
    detector: Detector | None,
    progress: Progress | None = None,
    cancelled: Check | None = None,
    ahead: int | None = None,
) -> Detection | None:
    """Run the Audio2Emotion network where the mode asks for it; None where it does not.

    ``fps`` is the rate at which the face's network is run; ``ahead`` as in ``detect_frames``.
    Raises UserError and Cancelled.
    """
    if detector is None or source.mode == "off":
        return None
    if source.mode == "keys":
        return detect_keys(detector, clip.samples, settings, progress, cancelled)
    return detect_frames(
        detector, clip.samples, fps, LONGEST, progress=progress, cancelled=cancelled, ahead=ahead
    )


def mix_emotion(
    source: EmotionSource,
    settings: Settings,
    detection: Detection | None,
    detector: Detector | None = None,
) -> EmotionTrack:
    """Bring what was heard and what the user said together. Values (K, 10)."""
    preferred = preferred_emotion(source, settings, detector if detection else None)
    if detection is None:
        return without_voice(hand_made(source, settings), preferred, settings)
    mix = MixSettings.of(settings, detection.targets, source.beginning)
    wished: AnyArray | None = None
    if detection.mode == "keys":
        if preferred is not None:
            wished = preferred.values[0]
        return offline_keys(
            detection.samples, detection.logits, mix, wished, settings.key_smoothing
        )
    times = detection.samples / limits.SAMPLE_RATE
    if preferred is not None:
        wished = on_samples(preferred).sample(times)
    rows, _ = EmotionMixer(mix, detection.fps or Fraction(1)).block(detection.logits, wished)
    return EmotionTrack(times, rows)


def without_voice(
    base: EmotionTrack, preferred: EmotionTrack | None, settings: Settings
) -> EmotionTrack:
    """The emotion when nothing is detected: ``base`` as it is, or with the preferred mixed in.

    Nothing is filtered over time: what the user set changes when the user said so.
    """
    base = on_samples(base)
    if preferred is None:
        return base
    rows = blend(base.values, preferred.values[0], MixSettings.of(settings))
    return EmotionTrack(base.times_s, rows.astype(np.float32))


def on_samples(track: EmotionTrack) -> EmotionTrack:
    """The same keys, their times rounded to samples as the published SDK has them."""
    return EmotionTrack(track.samples() / limits.SAMPLE_RATE, track.values)


def columns(values: AnyArray, names: tuple[str, ...]) -> Floats:
    """Values (K, 10) brought to a network's emotions (K, E), by name; 0 for unknown names."""
    found = np.zeros((len(values), len(names)), np.float32)
    for column, name in enumerate(names):
        if name in EMOTION_NAMES:
            found[:, column] = values[:, EMOTION_NAMES.index(name)]
    return found


def resolve_emotion(
    source: EmotionSource,
    clip: Clip,
    fps: Fraction,
    settings: Settings,
    names: tuple[str, ...],
    detector: Detector | None = None,
    progress: Progress | None = None,
    cancelled: Check | None = None,
) -> EmotionTrack:
    """What the face's network is given: values (K, E) in the order of its emotion ``names``.

    ``progress`` is told the share done, 0..1. Raises UserError and Cancelled.
    """
    heard = detect(source, clip, fps, settings, detector, progress, cancelled)
    track = mix_emotion(source, settings, heard, detector)
    return EmotionTrack(track.times_s, columns(track.values, names))


def emotion_keys(
    clip: Clip,
    settings: Settings,
    detector: Detector,
    preferred: tuple[float, ...] | None = None,
    progress: Progress | None = None,
    cancelled: Check | None = None,
) -> EmotionTrack:
    """Auto-emotion's "generate": editable keys (K, 10) in the order of ``EMOTION_NAMES``."""
    source = EmotionSource(mode="keys", preferred=preferred)
    heard = detect_keys(detector, clip.samples, settings, progress, cancelled)
    return mix_emotion(source, settings, heard, detector)
