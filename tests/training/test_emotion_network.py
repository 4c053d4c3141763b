# SPDX-License-Identifier: GPL-3.0-or-later
"""How the emotion network is made: features, regression, calibration, figures, export.

Nothing here trains on recordings: that is the stage ``emotion`` of the training.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="torch is only in the training environment (python tools/dev.py train)"
)
pytest.importorskip("onnx", reason="onnx is only in the training environment")

from facewright.training.emotion.card import tables  # noqa: E402
from facewright.training.emotion.corpus import read_corpus  # noqa: E402
from facewright.training.emotion.ear import DEEPEST, FEATURES, Ear  # noqa: E402
from facewright.training.emotion.fitting import (  # noqa: E402
    CLASSES,
    LABELS,
    Rows,
    calibration,
    fit,
    log_softmax,
)
from facewright.training.emotion.folder import (  # noqa: E402
    CLOSE,
    NETWORK,
    export,
    largest_difference,
    reload,
)
from facewright.training.emotion.hearing import SETS  # noqa: E402
from facewright.training.emotion.judge import LEARNT, Judge  # noqa: E402
from facewright.training.emotion.measuring import Heard, leave_one_out  # noqa: E402
from facewright.training.emotion.recipe import Recipe  # noqa: E402
from facewright.training.paths import EMOTION_FOLDER  # noqa: E402

NEUTRAL, BORED = CLASSES.index("neutral"), CLASSES.index("boredom")


@pytest.fixture(scope="module")
def ear():
    torch.set_num_threads(1)
    return Ear().eval()


def harmonics(pitch, count=22_400):
    times = np.arange(count) / 16_000
    return sum(np.sin(2 * np.pi * pitch * k * times) / k for k in range(1, 10))


def made_rows(speakers=("a", "b", "c"), each=6, seed=0):
    """Features in which each emotion has a place of its own, and noise."""
    random = np.random.default_rng(seed)
    places = 3.0 * random.normal(size=(len(CLASSES), 8))
    labels = np.tile(np.repeat(np.arange(len(CLASSES)), each), len(speakers))
    names = np.repeat(speakers, len(CLASSES) * each)
    features = places[labels] + random.normal(size=(len(labels), 8))
    return Rows(features, np.ones(len(labels)), labels, names, np.arange(len(labels)))


@pytest.mark.parametrize("pitch", [90.0, 150.0, 230.0, 320.0])
def test_the_pitch_of_a_voice_is_heard(ear, pitch):
    samples = torch.tensor(0.1 * harmonics(pitch), dtype=torch.float32)
    with torch.no_grad():
        strength, octaves = ear._pitch(samples[None, None])
    heard = DEEPEST * 2.0 ** octaves[0].numpy()
    np.testing.assert_allclose(heard, pitch, rtol=0.07)
    assert float(strength.min()) > 0.8


def test_features_are_those_of_the_sound_and_not_of_its_level_or_length(ear):
    steady = torch.tensor(0.1 * harmonics(160.0, 60_000), dtype=torch.float32)[None]
    with torch.no_grad():
        long, _ = ear(steady)
        short, _ = ear(steady[:, :8_000])
        quiet, _ = ear(steady * 10 ** (-30 / 20))
    assert long.shape == (1, FEATURES)
    np.testing.assert_allclose(short, long, atol=2e-3)
    np.testing.assert_allclose(quiet, long, atol=2e-3)


def test_the_committed_network_is_todays_and_says_what_torch_says(tmp_path):
    judge = reload(EMOTION_FOLDER / NETWORK)
    assert largest_difference(judge, EMOTION_FOLDER / NETWORK) < CLOSE
    again = tmp_path / NETWORK
    export(judge, again, {})
    assert again.stat().st_size < 1e6
    for name in LEARNT:
        assert torch.equal(judge.get_buffer(name), reload(again).get_buffer(name))


def test_the_network_says_what_the_regression_says(ear):
    """The numpy form that is measured, against the torch form that is exported."""
    random = np.random.default_rng(1)
    samples = 0.1 * random.normal(size=(3, 8_000)).cumsum(1) * random.random((3, 8_000))
    samples[0] = harmonics(120.0, 8_000) * np.abs(np.sin(np.arange(8_000) / 900))
    with torch.no_grad():
        features, presence = ear(torch.tensor(samples, dtype=torch.float32))
    labels = np.arange(3)
    rows = Rows(features.numpy(), presence.numpy(), labels, np.array(["a", "b", "c"]), labels)
    judgement = fit(rows, 0.1, 0.2).calibrated(0.7, 0.4)
    judge = Judge().learn({name: getattr(judgement, name) for name in LEARNT})
    with torch.no_grad():
        told = judge(torch.tensor(samples, dtype=torch.float32)).numpy()
    np.testing.assert_allclose(told, judgement.logits(rows), atol=1e-4)


def test_emotions_are_told_apart_and_boredom_is_neutral():
    rows = made_rows()
    judgement = fit(rows, 1e-4, 0.2)
    told = np.array(LABELS)[judgement.logits(rows).argmax(1)]
    truth = np.array(CLASSES)[rows.labels]
    assert (told == np.where(truth == "boredom", "neutral", truth)).all()
    silent = Rows(rows.features, np.zeros(len(told)), *_marks(rows))
    assert (judgement.logits(silent).argmax(1) == LABELS.index("neutral")).all()


def _marks(rows):
    return rows.labels, rows.speakers, rows.recordings


def test_every_emotion_counts_the_same_however_often_it_was_recorded():
    rows = made_rows()
    often = np.concatenate([np.arange(len(rows.labels)), *[np.flatnonzero(rows.labels == 0)] * 5])
    one, other = fit(rows, 0.01, 0.2), fit(rows.where(often), 0.01, 0.2)
    scale = one.spread / other.spread
    shift = (one.centre - other.centre) / other.spread
    plain, repeated = (fit_on.logits(rows) for fit_on in (one, other))
    assert np.abs(scale - 1).max() > 1e-3 or np.abs(shift).max() > 1e-3
    assert (plain.argmax(1) == repeated.argmax(1)).all()


def test_calibration_finds_back_the_right_sharpness():
    """Truth drawn from the very shares, with as much neutral as is said: nothing is to change
    but what was put in."""
    random = np.random.default_rng(2)
    count = 8_000
    logits = random.normal(size=(count, len(LABELS)))
    shares = np.exp(log_softmax(logits))
    places = (random.random((count, 1)) > shares.cumsum(1)).sum(1)
    share = float((places == LABELS.index("neutral")).mean())
    sharpness, calm = calibration(2.0 * logits, places, share)
    assert sharpness == pytest.approx(0.5, abs=0.05)
    assert calm == pytest.approx(0.0, abs=0.1)
    assert calibration(logits, places, 0.6)[1] > 1.0  # more neutral was asked for


def test_recall_and_confusion_count_each_emotion_once():
    labels = np.array([0, 0, 0, 4, NEUTRAL, 6, BORED])
    told = ("angry", "happy", "angry", "happy", "neutral", "neutral", "sad")
    logits = np.eye(len(LABELS))[[LABELS.index(name) for name in told]]
    heard = Heard(LABELS, logits, labels)
    assert heard.recall() == pytest.approx((2 / 3 + 1 + 1 + 0) / 4)
    table = heard.confusion()
    assert table[0].tolist() == [2, 0, 0, 1, 0, 0]
    assert table[BORED].tolist() == [0, 0, 0, 0, 0, 1]
    share = np.e / (np.e + 5)
    mean = heard.emotions("angry")
    assert mean[1] == pytest.approx((2 * share + (1 - share) / 5) / 3)  # anger
    assert mean[[0, 2, 5, 7, 8]].tolist() == [0.0] * 5  # no label stands for these


def test_a_speaker_is_judged_by_a_network_of_the_others_alone():
    """What one speaker's recordings are said to be changes all networks but the one for him."""
    rows = made_rows(each=3)
    own = rows.speakers == "c"
    labels = np.where(own, (rows.labels + 1) % len(CLASSES), rows.labels)
    other = Rows(rows.features, rows.presence, labels, rows.speakers, rows.recordings)
    plain, swapped = (
        leave_one_out(one, dict.fromkeys(SETS, one), Recipe()) for one in (rows, other)
    )
    assert "| angry |" in tables(plain)
    for name in SETS:
        before, after = plain.heard[name].logits, swapped.heard[name].logits
        assert len(before) == len(rows.labels)
        np.testing.assert_array_equal(before[own], after[own])  # speakers come in order
        assert (before[~own] != after[~own]).all()


def test_a_folder_without_recordings_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(RuntimeError, match=r"EmoDB.*--emotion.*3 speakers"):
        read_corpus(tmp_path)
    Path(tmp_path, "notes.wav").write_bytes(b"")  # not a name of the corpus: not looked at
    with pytest.raises(RuntimeError, match="EmoDB"):
        read_corpus(tmp_path / "nowhere")
