# SPDX-License-Identifier: GPL-3.0-or-later
"""From what Audio2Emotion hears to the ten emotions that the face's network is given.

The order is the published SDK's: contrast and softmax, neutral left out, the strongest kept,
brought to their places among the ten, live blend, preferred emotion, transition, strength. Frame by
frame (``EmotionMixer``) all of it runs; for keys over the timeline (``offline_keys``) the two
filters over time are left out, and neighbouring keys are averaged instead. Rows have the order of
``EMOTION_NAMES``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..arrays import AnyArray, Doubles, Floats, Integers
from ..limits import SAMPLE_RATE
from ..parameters import EMOTION_NAMES, Settings
from .track import EmotionTrack

COUNT = len(EMOTION_NAMES)
_SHORTEST_TRANSITION = 0.001  # seconds


@dataclass(frozen=True)
class MixSettings:
    """How detected emotions become a face's.

    ``targets``    for each label of the network its place among ``EMOTION_NAMES``, -1 for neutral
    ``contrast``   factor on the logits, 0.3..3
    ``max_emotions``  so many of the strongest are kept
    ``live_blend`` share of the frame before, 0..1
    ``preferred_strength``  share of the preferred emotion, 0..1
    ``transition_s``  time that a change takes, seconds
    ``strength``   factor on the mix, 0..1
    ``beginning``  (10,) emotion before the first frame; None is neutral
    """

    targets: tuple[int, ...] = ()
    contrast: float = 1.0
    max_emotions: int = 6
    live_blend: float = 0.7
    preferred_strength: float = 0.5
    transition_s: float = 0.5
    strength: float = 0.6
    beginning: tuple[float, ...] | None = None

    @classmethod
    def of(
        cls,
        settings: Settings,
        targets: tuple[int, ...] = (),
        beginning: tuple[float, ...] | None = None,
    ) -> MixSettings:
        """What the user's settings say."""
        return cls(
            targets=targets,
            contrast=settings.detected_emotion_contrast,
            max_emotions=settings.max_emotions,
            live_blend=settings.live_blend,
            preferred_strength=settings.preferred_strength,
            transition_s=settings.live_transition,
            strength=settings.overall_emotion_strength,
            beginning=beginning,
        )


@dataclass(frozen=True)
class MixState:
    """What one frame hands to the next, (10,) float64 each.

    ``emotion``   what was given out, after the strength
    ``blended``   after the live blend
    ``changed``   after the transition; None before the first frame
    """

    emotion: Doubles
    blended: Doubles
    changed: Doubles | None = None


def detected(logits: AnyArray, mix: MixSettings) -> Doubles:
    """Shares (n, labels) float64 of what the network heard, from its logits (n, labels).

    Softmax of logits times contrast; neutral counts in the softmax and is then left out, as is
    everything but the ``max_emotions`` strongest; nothing is normalised again. Of two that are
    equal the first is the stronger. A row that is not finite is neutral: a network that says
    nothing of a very quiet voice must not show as a little of every emotion, which zeros would.
    """
    values = np.asarray(logits, np.float64)
    finite = np.isfinite(values).all(axis=1, keepdims=True)
    values = np.where(finite, values, 0.0) * mix.contrast
    shares = np.exp(values - values.max(axis=1, keepdims=True, initial=-np.inf))
    shares /= shares.sum(axis=1, keepdims=True)
    shares[:, [target < 0 for target in mix.targets]] = 0.0
    order = np.argsort(-shares, axis=1, kind="stable")
    np.put_along_axis(shares, order[:, mix.max_emotions :], 0.0, axis=1)
    return np.where(finite, shares, 0.0)


@dataclass(frozen=True)
class EmotionMixer:
    """The frame-by-frame form. Blocks cut anywhere give what the whole gives.

    An emotion that no label stands for keeps what was given out for the frame before, as in the
    published SDK: once a preferred emotion lifted it, it settles below its share (cheekiness 1 at
    strength 0.5 and overall strength 0.6 at 0.428571, not 0.3).
    """

    mix: MixSettings
    fps: Fraction

    def start(self) -> MixState:
        """The state before the first frame."""
        beginning = np.asarray(self.mix.beginning or (0.0,) * COUNT, np.float64)
        return MixState(beginning, beginning)

    def memory(self, tolerance: float, longest: int, wished: bool) -> int:
        """Frames after which what was before plays no part any more, to ``tolerance``.

        Less than twice the fewest, at most ``longest``; ``wished``: a preferred emotion is set. The
        filters are linear, so the powers of the matrix that leads from (blended, changed) of one
        frame to those of the next say how fast a difference dies.
        """
        mix, frames = self.mix, 1
        change = min(float(1 / self.fps) / max(mix.transition_s, _SHORTEST_TRANSITION), 1.0)
        share = mix.preferred_strength if wished else 0.0
        # Emotions without a label are fed with what was given out; if there was anything at all
        feeds = (0.0, mix.strength) if wished or any(mix.beginning or ()) else (0.0,)
        for fed in feeds:
            if share == 0.0 and fed == 1.0:
                continue  # stays for ever what it was before the first frame
            blended = np.array([mix.live_blend, (1.0 - mix.live_blend) * fed])
            if mix.live_blend >= 1.0:
                blended[:] = 0.0  # it never changes, so there is no difference
            step = change * (1.0 - share) * blended + np.array([0.0, 1.0 - change])
            power, count = np.array([blended, step]), 1
            while count < longest and np.abs(power).sum(axis=1).max() > tolerance:
                power, count = power @ power, 2 * count
            frames = max(frames, count)
        return min(frames, longest)

    def block(
        self, logits: AnyArray, preferred: AnyArray | None, state: MixState | None = None
    ) -> tuple[Floats, MixState]:
        """Emotions (n, 10) float32 of n frames, and the state after them.

        ``logits`` (n, labels); ``preferred`` (n, 10) or (10,), None is not set; ``state`` is what
        the block before returned, None before the first frame.
        """
        mix, state = self.mix, state or self.start()
        shares = detected(logits, mix)
        heard: dict[int, list[float]] = {
            target: shares[:, label].tolist()
            for label, target in enumerate(mix.targets)
            if target >= 0
        }
        wished = None if preferred is None else np.broadcast_to(preferred, (len(shares), COUNT))
        change = min(float(1 / self.fps) / max(mix.transition_s, _SHORTEST_TRANSITION), 1.0)
        rows = np.empty((len(shares), COUNT), np.float32)
        ends = np.zeros((3, COUNT))
        for slot in range(COUNT):
            changed = None if state.changed is None else float(state.changed[slot])
            rows[:, slot], ends[:, slot] = _chain(
                heard.get(slot) or [None] * len(shares),
                None if wished is None else wished[:, slot].tolist(),
                (float(state.emotion[slot]), float(state.blended[slot]), changed),
                mix,
                change,
            )
        if not len(shares):
            return rows, state
        return rows, MixState(ends[0], ends[1], ends[2])


def _chain(
    heard: Sequence[float | None],
    wished: list[float] | None,
    state: tuple[float, float, float | None],
    mix: MixSettings,
    change: float,
) -> tuple[list[float], tuple[float, float, float]]:
    """One emotion over n frames: what is given out, and (emotion, blended, changed) after them.

    Each frame hangs on the one before, so there is nothing to vectorise; plain numbers are ten
    times faster here than arrays of ten. ``heard`` is None where no label stands for the emotion.
    """
    keep, strength = mix.live_blend, mix.strength
    share = 0.0 if wished is None else mix.preferred_strength
    emotion, blended, before = state
    changed = before or 0.0
    step = 1.0 if before is None else change  # the first frame has nothing to change from
    found: list[float] = []
    for value, wish in zip(heard, wished or [0.0] * len(heard), strict=True):
        if value is not None:
            emotion = value
        blended = (1.0 - keep) * emotion + keep * blended
        mixed = (1.0 - share) * blended + share * wish
        changed = step * mixed + (1.0 - step) * changed
        step = change
        emotion = changed * strength
        found.append(emotion)
    return found, (emotion, blended, changed)


def still_rows(logits: AnyArray, mix: MixSettings, preferred: AnyArray | None) -> Doubles:
    """Emotions (n, 10) float64 of moments that know nothing of each other.

    As ``EmotionMixer`` without live blend and transition; emotions that no label stands for start
    at 0 in each row, so that the order of the keys does not matter. ``preferred`` (10,) or (n, 10).
    """
    shares = detected(logits, mix)
    rows = np.zeros((len(shares), COUNT))
    for label, target in enumerate(mix.targets):
        if target >= 0:
            rows[:, target] = shares[:, label]
    return blend(rows, preferred, mix)


def blend(rows: AnyArray, preferred: AnyArray | None, mix: MixSettings) -> Doubles:
    """Emotions (n, 10), the preferred one mixed in, times the overall strength."""
    mixed = np.asarray(rows, np.float64)
    if preferred is not None:
        share = mix.preferred_strength
        mixed = (1 - share) * mixed + share * np.asarray(preferred, np.float64)
    return mixed * mix.strength


def offline_keys(
    samples: Integers,
    logits: AnyArray,
    mix: MixSettings,
    preferred: AnyArray | None = None,
    smoothing: int = 0,
) -> EmotionTrack:
    """Editable keys at ``samples`` (n,) of 16 kHz from the logits (n, labels) heard around them.

    Each key is the average of itself and up to ``smoothing`` neighbours on each side; at the ends
    of those that there are.
    """
    rows = averaged(still_rows(logits, mix, preferred), smoothing)
    return EmotionTrack(samples / SAMPLE_RATE, rows.astype(np.float32))


def averaged(rows: Doubles, radius: int) -> Doubles:
    """Average of each row (n, E) and its neighbours up to ``radius`` away that exist."""
    if radius <= 0 or not len(rows):
        return rows
    sums = np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0)])
    indices = np.arange(len(rows))
    first = np.maximum(indices - radius, 0)
    last = np.minimum(indices + radius, len(rows) - 1) + 1
    return (sums[last] - sums[first]) / (last - first)[:, None]
