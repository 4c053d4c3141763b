# SPDX-License-Identifier: GPL-3.0-or-later
"""The lip measurement: right on made-up mouths, and the committed model on recorded people."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from facewright.training import evaluate
from facewright.training.evaluate import Recording, evaluate_lips
from facewright.training.paths import HEAD_FILE, MODEL_FOLDER, labelled_speech_folder

RATE = 60.0


def talker(seed: int, lead_s: float = 0.03) -> Recording:
    """A mouth that opens on every vowel and shuts on every m, ``lead_s`` before the sound."""
    rng = np.random.default_rng(seed)
    labels, now = [("sil", 0.0, 0.3)], 0.3
    for _ in range(12):
        stop, vowel = rng.uniform(0.07, 0.12), rng.uniform(0.12, 0.3)
        labels += [("m", now, now + stop), ("a", now + stop, now + stop + vowel)]
        now += stop + vowel
    times = np.arange(int(now * RATE)) / RATE
    gap, energy = np.zeros(len(times)), np.zeros(len(times))
    for phone, start, end in labels:
        if phone == "a":
            middle, spread = 0.5 * (start + end), 0.3 * (end - start)
            gap += 0.25 * np.exp(-0.5 * ((times + lead_s - middle) / spread) ** 2)
            energy += np.exp(-0.5 * ((times - middle) / spread) ** 2)
    return Recording(str(seed), labels, gap, energy)


def judge(pairing):
    recordings = [talker(seed) for seed in range(8)]
    return evaluate._judge("en", evaluate._paired(recordings, pairing))


def test_a_right_mouth_passes_and_its_lead_is_found():
    figures = judge("true")
    assert figures.passes
    assert figures.lag_s == pytest.approx(-0.03, abs=0.006)
    assert figures.closures == figures.vowels == 96


@pytest.mark.parametrize("pairing", ["delayed", "swapped"])
def test_the_wrong_mouth_fails(pairing):
    assert not judge(pairing).passes


def test_a_still_or_always_shut_or_always_open_mouth_fails():
    for gap in (0.0, 0.3):
        recordings = [
            Recording(r.name, r.labels, np.full_like(r.gap, gap), r.energy)
            for r in (talker(seed) for seed in range(3))
        ]
        assert not evaluate._judge("en", recordings).passes


def test_closure_and_burst_of_one_stop_are_one_label(tmp_path):
    (tmp_path / "labels.json").write_text(
        '{"a.flac": [["p", 0.1, 0.2], ["p", 0.2, 0.25], ["p", 0.4, 0.5]]}', encoding="utf-8"
    )
    assert evaluate.read_labels(tmp_path)["a.flac"] == [("p", 0.1, 0.25), ("p", 0.4, 0.5)]


def test_the_committed_model_moves_the_lips_rightly_on_recorded_speech():
    pytest.importorskip("onnxruntime")
    from facewright.core.head import load_head

    speech: Path = labelled_speech_folder()
    if not any(speech.glob("*/labels.json")):
        pytest.skip("no labelled recordings beside the checkout (shared/data/speech)")
    if not HEAD_FILE.exists():
        pytest.skip("the head is not built (python tools/head)")
    verdicts = evaluate_lips(MODEL_FOLDER, load_head(HEAD_FILE), speech, limit=24)
    assert verdicts["true"].passes, "\n" + verdicts["true"].table()
    for name in ("delayed", "swapped"):
        assert not any(f.passes for f in verdicts[name].languages), "\n" + verdicts[name].table()


def test_the_figures_go_into_the_card_and_replace_older_ones():
    from facewright.training.card import NOT_MEASURED, model_card, with_figures
    from facewright.training.recipe import read_recipe

    card = model_card(read_recipe(), {"minutes": 1.0})
    assert NOT_MEASURED in card
    once = with_figures(card, ["first figures"])
    twice = with_figures(once, ["other figures"])
    assert NOT_MEASURED not in once
    assert "first figures" in once
    assert "first figures" not in twice
    assert twice.count("## Limits") == 1
