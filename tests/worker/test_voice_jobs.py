# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs that look at a voice: its waveform, and the emotion that auto-emotion makes keys of."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from facewright.providers.local import LocalWorker

RATE = 16_000
PLACES = {"angry": 1, "disgust": 3, "fear": 4, "happy": 6, "sad": 9}  # among the ten emotions


@pytest.fixture(scope="module")
def samples(stubs: ModuleType) -> np.ndarray:
    """3.3 s that get louder, so that no two moments are alike; 16 bits as in the file."""
    sound = stubs.speech_like(3.3)
    return np.round(sound * np.linspace(0.1, 3, len(sound)) * 32767) / 32768


@pytest.fixture(scope="module")
def voice(stubs: ModuleType, samples: np.ndarray, tmp_path_factory: Any) -> str:
    path = tmp_path_factory.mktemp("voices") / "voice.wav"
    return str(stubs.write_wav(path, samples * 32768 / 32767))


@pytest.fixture(scope="module")
def emotion(stubs: ModuleType, tmp_path_factory: Any) -> Any:
    return stubs.make_stub_emotion(tmp_path_factory.mktemp("emotion") / "stub")


def run(make: Any, worker: LocalWorker, job: str, args: Any) -> Any:
    ticket = worker.submit(job, args)
    make.finish(worker, ticket)
    return ticket


@pytest.mark.parametrize("columns", [1, 333, 4000, 4096])
def test_a_waveform_has_as_many_columns_as_asked(
    make: Any, shared: LocalWorker, voice: str, samples: np.ndarray, columns: int
) -> None:
    place = {"path": voice, "start_s": 0.5, "end_s": 3.0}
    ticket = run(make, shared, "probe", {"voice": place, "columns": columns})
    part = samples[RATE // 2 : 3 * RATE]
    edges = [k * len(part) // columns for k in range(columns + 1)]
    expected = [(part[a:b].min(), part[a:b].max()) for a, b in pairwise(edges)]
    np.testing.assert_allclose(ticket.arrays["envelope"], expected, atol=2e-5)
    assert ticket.arrays["envelope"].dtype == np.float32


@pytest.mark.parametrize("columns", [0, 4097, -1, 2.5, "many"])
def test_no_waveform_of_any_size(make: Any, shared: LocalWorker, voice: str, columns: Any) -> None:
    ticket = run(make, shared, "probe", {"voice": {"path": voice}, "columns": columns})
    assert (ticket.state, ticket.kind) == ("failed", "user")
    assert "columns" in ticket.error


def reference(sound: np.ndarray, stub: Any, preferred: Any, values: dict[str, float]) -> np.ndarray:
    """Keys as manual and published order say, one after the other: times, then ten emotions."""
    length = round(values["detection_range"] * RATE)
    interval = Fraction(str(values["key_interval"]))
    rows: list[list[float]] = []
    for key in range(math.ceil(Fraction(len(sound), RATE) / interval) + 1):
        middle = math.floor(key * interval * RATE)
        window = [
            sound[at] if 0 <= at < len(sound) else 0.0
            for at in range(middle - length // 2, middle - length // 2 + length)
        ]
        logits = stub.output(np.array([window]))[0] * values["detected_emotion_contrast"]
        shares = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        heard = {name: share for name, share in zip(stub.labels, shares, strict=True)
                 if name != "neutral"}  # fmt: skip
        strongest = sorted(heard, key=heard.__getitem__, reverse=True)
        row = [0.0] * 10
        for name in strongest[: int(values["max_emotions"])]:
            row[PLACES[name]] = heard[name]
        if preferred is not None:
            share = values["preferred_strength"]
            row = [(1 - share) * a + share * b for a, b in zip(row, preferred, strict=True)]
        strength = values["overall_emotion_strength"]
        rows.append([middle / RATE, *(strength * value for value in row)])
    radius = int(values["key_smoothing"])
    found = np.array(rows)
    smoothed = found.copy()
    for key in range(len(found)):
        smoothed[key, 1:] = found[max(key - radius, 0) : key + radius + 1, 1:].mean(axis=0)
    return smoothed


USUAL = {"detection_range": 1.4, "key_interval": 1.0, "overall_emotion_strength": 0.6,
         "key_smoothing": 0, "max_emotions": 6, "detected_emotion_contrast": 1.0,
         "preferred_strength": 0.5}  # fmt: skip
PREFERRED = [0.0, 0.0, 0.8, 0.0, 0.0, 0.0, 0.3, 0.0, 0.0, 1.0]


@pytest.mark.parametrize("preferred", [None, PREFERRED])
@pytest.mark.parametrize("part", [(0.0, None), (0.7, 2.9)])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"detection_range": 0.5},
        {"detection_range": 3.75},
        {"key_interval": 0.1},
        {"key_interval": 10.0},
        {"overall_emotion_strength": 1.0},
        {"key_smoothing": 1, "key_interval": 0.3},
        {"key_smoothing": 20, "key_interval": 0.3},
        {"max_emotions": 1},
        {"max_emotions": 3},
        {"detected_emotion_contrast": 0.3},
        {"detected_emotion_contrast": 3.0},
        {"preferred_strength": 0.0},
        {"preferred_strength": 1.0},
    ],
)
def test_every_control_of_auto_emotion(
    make: Any, shared: LocalWorker, voice: str, samples: np.ndarray, emotion: Any,
    changes: dict[str, float], part: tuple[float, float | None], preferred: Any,
) -> None:  # fmt: skip
    """Times are counted from the beginning of the chosen range."""
    values = {**USUAL, **changes}
    start_s, end_s = part
    place = {"path": voice, "start_s": start_s, "end_s": end_s}
    args = {"voice": place, "emotion_model": str(emotion.folder), "settings": changes,
            "device": "cpu", "preferred": preferred}  # fmt: skip
    ticket = run(make, shared, "detect", args)
    assert ticket.state == "done", ticket.error
    sound = samples[round(start_s * RATE) : None if end_s is None else round(end_s * RATE)]
    expected = reference(sound, emotion, preferred, values)
    np.testing.assert_allclose(ticket.arrays["emotion_times"], expected[:, 0], atol=1e-9)
    np.testing.assert_allclose(ticket.arrays["emotion_values"], expected[:, 1:], atol=2e-4)


def test_auto_emotion_tells_how_far_it_is_and_can_be_stopped(
    make: Any, shared: LocalWorker, stubs: ModuleType, emotion: Any, tmp_path: Path
) -> None:
    path = stubs.write_wav(tmp_path / "long.wav", stubs.speech_like(120.0))
    args = {"voice": {"path": str(path)}, "emotion_model": str(emotion.folder), "device": "cpu",
            "settings": {"key_interval": 0.1, "detection_range": 3.75}}  # fmt: skip
    seen: set[float] = set()
    ticket = shared.submit("detect", args)

    def look() -> None:
        shared.poll()
        seen.add(ticket.progress)

    make.wait_until(lambda: len(seen) > 3, look)
    assert ticket.stage == "Reading the emotion"
    shared.cancel(ticket)
    make.finish(shared, ticket)
    assert ticket.state == "cancelled"


def test_the_model_that_comes_along_reads_emotion_too(
    make: Any, shared: LocalWorker, voice: str
) -> None:
    folder = Path(__file__).resolve().parents[2] / "models" / "facewright-emotion"
    args = {"voice": {"path": voice}, "emotion_model": str(folder), "device": "cpu"}
    ticket = run(make, shared, "detect", args)
    assert ticket.state == "done", ticket.error
    np.testing.assert_allclose(ticket.arrays["emotion_times"], np.arange(5.0))
    values = ticket.arrays["emotion_values"]
    assert values.shape == (5, 10)
    assert ((values >= 0) & (values <= 0.6)).all()
