# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of mouths alone, as the posed head shows them, and the controls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

import numpy as np

from . import motion
from .closures import closure_figures, runs
from .faces import Actor, Performance, Stage
from .labelled import Interval, Labelled
from .motion import Pair

Progress = Callable[[float, str], None]
CONTROL_DELAY_S = 0.3
SAME_SENTENCE = 0.6  # share of phones in common from which two recordings say the same


def performances(
    recordings: Sequence[Labelled],
    actor: Actor,
    stage: Stage,
    progress: Progress = lambda _share, _language: None,
) -> list[Pair]:
    """Every recording with the face that the actor gives it."""
    pairs = []
    for done, recording in enumerate(recordings, 1):
        pairs.append((recording, stage.perform(actor(recording))))
        progress(done / len(recordings), recording.language)
    return pairs


def face_figures(pairs: Sequence[Pair]) -> dict[str, float]:
    """What the posed mesh shows: closures, contacts, and its lag against the sound."""
    found = [(recording, face_closures(face)) for recording, face in pairs]
    lag, correlation = motion.best_lag(pairs)
    shares = motion.contact_shares(pairs)
    names = {
        "shut": "face lips meet in m b p",
        "open": "face lips open in open vowels",
        "bite": "face lip at teeth in f v",
    }
    return {
        **found_closures("face", found),
        **{names[name]: share for name, share in shares.items()},
        "face against energy ms": 1000 * lag,
        "face against energy correlation": correlation,
    }


def face_closures(face: Performance) -> list[Interval]:
    """When the lips of a face meet."""
    return runs(face.gap, face.rate, motion.CLOSED)


def found_closures(name: str, found: Sequence[tuple[Labelled, list[Interval]]]) -> dict[str, float]:
    """Figures of closures that were found in recordings, their names begun with ``name``."""
    told = closure_figures(
        (recording.closures, recording.silences, closures) for recording, closures in found
    )
    return {
        f"{name} closure F1": told.f1,
        f"{name} closure recall": told.recall,
        f"{name} closure precision": told.precision,
        f"{name} closure late ms": 1000 * told.late_s,
        f"{name} closure late spread ms": 1000 * told.spread_s,
    }


def delayed(pairs: Sequence[Pair]) -> list[Pair]:
    """A control: every face 0.3 s late."""
    late = []
    for recording, face in pairs:
        by = round(CONTROL_DELAY_S * face.rate)
        late.append((recording, _moved(face, np.clip(np.arange(len(face.gap)) - by, 0, None))))
    return late


def swapped(pairs: Sequence[Pair]) -> list[Pair]:
    """A control: every recording with the face of another, in which something else is said."""
    said = [[segment.phone for segment in recording.segments] for recording, _ in pairs]
    result = []
    for number, (recording, face) in enumerate(pairs):
        others = [(number + len(pairs) // 2 + step) % len(pairs) for step in range(len(pairs))]
        unlike = (each for each in others if _likeness(said[number], said[each]) < SAME_SENTENCE)
        other = pairs[next(unlike, others[0])][1]
        result.append((recording, _moved(other, np.arange(len(face.gap)) % len(other.gap))))
    return result


def _likeness(one: list[str], other: list[str]) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def _moved(face: Performance, frames: np.ndarray) -> Performance:
    shown = {name: values[frames] for name, values in face.shown.items()}
    return replace(face, gap=face.gap[frames], teeth=face.teeth[frames], shown=shown)
