# SPDX-License-Identifier: GPL-3.0-or-later

"""All figures of one language's recordings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..coarticulation import viseme_frames
from ..lean import Lean
from ..phones import VISEMES
from ..recipe import Recipe
from . import motion
from .faces import Actor
from .labelled import Labelled
from .motion import Pair
from .mouths import face_figures, found_closures
from .recognisers import Allphone, Heard, has_rhubarb, listen, listen_rhubarb, right_visemes

EITHER_WAY = {  # phones that the labels do not tell apart, and the visemes that may be meant
    "ʌ": ("aa", "ax"),  # a reduced vowel too
    "ɐ": ("aa", "ax"),
    "ɚ": ("ax", "RR"),  # one phone here, two for those who write a vowel and r
}


@dataclass(frozen=True)
class Subject:
    """What is measured: who makes the faces, and the listener inside where it is our own."""

    actor: Actor
    listener: Lean | None = None


def language_figures(pairs: Sequence[Pair], subject: Subject, recipe: Recipe) -> dict[str, float]:
    """Every figure that can be told, by measure (see ``demands``); times in milliseconds."""
    recordings = [recording for recording, _ in pairs]
    figures = {
        "recordings": float(len(pairs)),
        "seconds": sum(len(recording.samples) for recording in recordings) / 16000,
        **face_figures(pairs),
        "jaw jitter": motion.jitter(pairs, recipe),
    }
    curves = motion.correlations(_shown_while_speaking(pairs, recipe))
    figures.update({f"face curve {name}": value for name, value in curves.items()})
    allphone = Allphone()
    told = {"allphone": [allphone.listen(recording.samples) for recording in recordings]}
    if has_rhubarb():
        told["rhubarb"] = [listen_rhubarb(recording.samples) for recording in recordings]
    if subject.listener is not None:
        heard = [listen(subject.listener, recording.samples) for recording in recordings]
        told["heard"] = heard
        curves = motion.correlations(
            (motion.named_curves(each.curves), _curves(recording, each.times, recipe))
            for recording, each in zip(recordings, heard, strict=True)
            if each.curves is not None
        )
    figures.update({f"curve {name}": value for name, value in curves.items()})
    # The network is taught to let contacts lead the sound a little; the phones of others do not.
    for name, answers in told.items():
        lead = recipe.section("timing", "lead")["contact"] if name == "heard" else 0.0
        figures.update(_heard_figures(name, recordings, answers, lead))
    ours = [figures[f"{name} closure F1"] for name in ("face", "heard") if name in (*told, "face")]
    figures["closure F1 over allphone"] = min(ours) - figures["allphone closure F1"]
    if "heard visemes" in figures:
        figures["visemes over allphone"] = figures["heard visemes"] - figures["allphone visemes"]
    return figures


def heard_closure_f1(name: str, recordings: Sequence[Labelled], heard: Sequence[Heard]) -> float:
    """F1 of closures that were heard."""
    found = [(r, each.closures) for r, each in zip(recordings, heard, strict=True)]
    return found_closures(name, found)[f"{name} closure F1"]


def _heard_figures(
    name: str, recordings: Sequence[Labelled], heard: Sequence[Heard], lead: float
) -> dict[str, float]:
    figures = found_closures(
        name, [(r, each.closures) for r, each in zip(recordings, heard, strict=True)]
    )
    right = np.zeros(3)
    for recording, each in zip(recordings, heard, strict=True):
        if each.visemes is not None:
            times = each.times + lead
            wanted = viseme_frames(recording.sounds, times)
            right += right_visemes(each, wanted, _excused(recording, times, each.visemes))
    if right[2]:
        figures[f"{name} visemes"] = float(right[0] / right[2])
        figures[f"{name} visemes, either way"] = float(right[1] / right[2])
    return figures


def _excused(recording: Labelled, times: np.ndarray, visemes: np.ndarray) -> np.ndarray:
    """Whether the viseme at each time (T,) may be meant by a phone that is not told apart."""
    excused = np.zeros(len(times), bool)
    for segment in recording.segments:
        if segment.phone in EITHER_WAY:
            inside = (times >= segment.start) & (times < segment.end)
            meant = [VISEMES.index(viseme) for viseme in EITHER_WAY[segment.phone]]
            excused |= inside & np.isin(visemes, meant)
    return excused


def _shown_while_speaking(
    pairs: Sequence[Pair], recipe: Recipe
) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
    """Curves that the face shows, and their targets, in frames of speech: a shut mouth rests."""
    for recording, face in pairs:
        classes, wanted = motion.targets(recording, face.times, recipe)
        shown = motion.shown_curves(face)
        spoken = classes > 0
        yield {name: values[spoken] for name, values in shown.items()}, wanted[spoken]


def _curves(recording: Labelled, times: np.ndarray, recipe: Recipe) -> np.ndarray:
    return motion.targets(recording, times, recipe)[1]
