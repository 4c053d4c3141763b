# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns timed phones into what the network learns: viseme classes and articulation curves.

The curves follow the dominance idea of Cohen and Massaro: every phone has a target and a
dominance per curve; dominance fades exponentially outside the phone, slowly for rounding
and fast for closure; the curve is the dominance-weighted mean of the targets. Lips that
must meet (p b m) and lip against teeth (f v) then really reach their target.
"""

from __future__ import annotations

import numpy as np

from .phones import VISEMES, Sound

CURVES = ("jaw", "close", "dental", "round", "wide", "tip", "back")
JAW, CLOSE, DENTAL, ROUND, WIDE = range(5)
# What the network learns to say: those that the phones decide, and the voice's stress (accent.py)
LEARNT_CURVES = (*CURVES, "accent")
BILABIAL, LABIODENTAL = VISEMES.index("PP"), VISEMES.index("FF")
FADING = np.array([18.0, 90.0, 60.0, 13.0, 13.0, 24.0, 20.0])  # 1/s, per curve
REACH = 0.35  # seconds beyond a phone where its dominance no longer counts
CLOSED, JAW_WHEN_CLOSED, JAW_WHEN_DENTAL = 0.97, 0.12, 0.20
ROUNDED_TARGET = 0.75
IDLE = 1e-4
SHORTEST_REST = 0.01  # seconds without a sound that count as silence

TARGETS = {  #    jaw  close dental round wide  tip  back
    "sil": (0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00),
    "PP": (0.05, 1.00, 0.00, 0.10, 0.00, 0.00, 0.00),
    "FF": (0.10, 0.10, 1.00, 0.05, 0.10, 0.00, 0.00),
    "TH": (0.18, 0.00, 0.00, 0.05, 0.20, 1.00, 0.00),
    "DD": (0.15, 0.00, 0.00, 0.05, 0.20, 0.90, 0.00),
    "KK": (0.22, 0.00, 0.00, 0.05, 0.15, 0.00, 1.00),
    "CH": (0.10, 0.00, 0.00, 0.70, 0.00, 0.60, 0.20),
    "SS": (0.06, 0.00, 0.00, 0.05, 0.50, 0.70, 0.00),
    "RR": (0.15, 0.00, 0.00, 0.55, 0.00, 0.40, 0.20),
    "aa": (0.90, 0.00, 0.00, 0.00, 0.20, 0.00, 0.10),
    "E": (0.55, 0.00, 0.00, 0.00, 0.55, 0.00, 0.00),
    "I": (0.25, 0.00, 0.00, 0.00, 0.90, 0.20, 0.00),
    "O": (0.55, 0.00, 0.00, 0.75, 0.00, 0.00, 0.40),
    "U": (0.20, 0.00, 0.00, 1.00, 0.00, 0.00, 0.50),
    "ax": (0.35, 0.00, 0.00, 0.00, 0.20, 0.10, 0.10),
}
VOWEL_DOMINANCE = (1.0, 0.8, 0.8, 1.0, 1.0, 0.3, 0.3)
DOMINANCE = {
    "sil": (0.30, 0.50, 0.30, 0.30, 0.30, 0.30, 0.30),
    "PP": (0.60, 3.00, 0.80, 0.10, 0.10, 0.05, 0.05),
    "FF": (0.70, 1.00, 3.00, 0.15, 0.10, 0.05, 0.05),
    "TH": (0.50, 0.60, 0.60, 0.10, 0.10, 2.00, 0.20),
    "DD": (0.40, 0.50, 0.50, 0.08, 0.08, 2.00, 0.20),
    "KK": (0.30, 0.50, 0.50, 0.08, 0.08, 0.20, 2.00),
    "CH": (0.80, 0.60, 0.60, 1.20, 0.80, 1.50, 0.50),
    "SS": (1.00, 0.60, 0.60, 0.20, 0.40, 1.50, 0.30),
    "RR": (0.40, 0.50, 0.50, 0.90, 0.60, 0.80, 0.40),
    "aa": VOWEL_DOMINANCE,
    "E": VOWEL_DOMINANCE,
    "I": VOWEL_DOMINANCE,
    "O": VOWEL_DOMINANCE,
    "U": VOWEL_DOMINANCE,
    "ax": (0.50, 0.60, 0.60, 0.30, 0.30, 0.20, 0.20),
}
TARGET_TABLE = np.array([TARGETS[viseme] for viseme in VISEMES])
DOMINANCE_TABLE = np.array([DOMINANCE[viseme] for viseme in VISEMES])


def target_frames(
    sounds: list[Sound], times: np.ndarray, lead: float, contact_lead: float
) -> tuple[np.ndarray, np.ndarray]:
    """Viseme classes (T,) and curves (T, 7) as they should show at each time.

    Articulators move ``lead`` seconds before the sound, but lips and teeth touch when the
    sound changes, for it changes because they touch: contacts lead by ``contact_lead``.
    """
    classes = viseme_frames(sounds, times + contact_lead)
    curves = curve_frames(sounds, times + lead)
    contacts = curve_frames(sounds, times + contact_lead)
    curves[:, [CLOSE, DENTAL]] = contacts[:, [CLOSE, DENTAL]]
    return classes, curves


def viseme_frames(sounds: list[Sound], times: np.ndarray) -> np.ndarray:
    """Viseme index at each time (T,) in seconds; silence where no sound is."""
    classes = np.zeros(len(times), np.int64)
    for sound in sorted(sounds, key=lambda sound: sound.viseme == BILABIAL):
        classes[_inside(sound, times)] = sound.viseme  # the shortest closure counts
    return classes


def curve_frames(sounds: list[Sound], times: np.ndarray) -> np.ndarray:
    """The seven curves at each time: float32 (T, 7) in 0..1."""
    weighted = np.zeros((len(times), len(CURVES)))
    weight = np.full((len(times), len(CURVES)), IDLE)
    for sound in _with_rests(sounds, times):
        near = (times > sound.start - REACH) & (times < sound.end + REACH)
        if not near.any():
            continue
        target, dominance = _insisted(sound)
        outside = np.maximum(0.0, np.maximum(sound.start - times[near], times[near] - sound.end))
        share = dominance * np.exp(-outside[:, None] * FADING)
        weighted[near] += share * target
        weight[near] += share
    curves = weighted / weight
    for sound in sounds:
        if sound.viseme == BILABIAL:
            _reach(curves, _inside(sound, times), CLOSE, JAW_WHEN_CLOSED)
        elif sound.viseme == LABIODENTAL:
            _reach(curves, _inside(sound, times), DENTAL, JAW_WHEN_DENTAL)
    return curves.clip(0.0, 1.0).astype(np.float32)


def _with_rests(sounds: list[Sound], times: np.ndarray) -> list[Sound]:
    """The sounds with silence wherever there is none, also before the first and after the last."""
    filled: list[Sound] = []
    now = float(times[0]) - 2 * REACH
    for sound in sounds:
        if sound.start - now > SHORTEST_REST:
            filled.append(Sound(0, False, now, sound.start))
        filled.append(sound)
        now = max(now, sound.end)
    if times[-1] + 2 * REACH > now:
        filled.append(Sound(0, False, now, float(times[-1]) + 2 * REACH))
    return filled


def _insisted(sound: Sound) -> tuple[np.ndarray, np.ndarray]:
    target = TARGET_TABLE[sound.viseme].copy()
    dominance = DOMINANCE_TABLE[sound.viseme].copy()
    if sound.rounded and sound.viseme != BILABIAL:
        target[ROUND] = max(target[ROUND], ROUNDED_TARGET)
        target[WIDE] = 0.0
        dominance[ROUND] = max(dominance[ROUND], 1.0)
    return target, dominance


def _inside(sound: Sound, times: np.ndarray) -> np.ndarray:
    """Times inside the sound; at least the nearest one, so that no closure is lost."""
    inside = (times >= sound.start) & (times < sound.end)
    centre = 0.5 * (sound.start + sound.end)
    if not inside.any() and len(times) and times[0] <= centre <= times[-1]:
        inside[np.argmin(np.abs(times - centre))] = True
    return inside


def _reach(curves: np.ndarray, inside: np.ndarray, curve: int, jaw_limit: float) -> None:
    curves[inside, curve] = np.maximum(curves[inside, curve], CLOSED)
    curves[inside, JAW] = np.minimum(curves[inside, JAW], jaw_limit)
