# SPDX-License-Identifier: GPL-3.0-or-later
"""WAV files that grow: whole after every flush, read alike by others."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile
from facewright.core.voice import wav
from facewright.core.voice.resampling import Resampler


def test_a_growing_file_is_whole_after_every_flush(tmp_path):
    values = np.random.default_rng(0).uniform(-2, 2, 5_000).astype(np.float32)
    path = tmp_path / "grows.wav"
    with path.open("wb") as stream:
        writer = wav.WavWriter(stream, 44_100)
        for at in range(0, 5_000, 777):
            writer.write(values[at : at + 777])
            writer.flush()
            found, rate = soundfile.read(path, dtype="float32")
            assert rate == 44_100
            np.testing.assert_array_equal(found, values[: at + 777])
    assert writer.samples == 5_000


def test_the_head_says_what_the_specification_asks():
    stream = io.BytesIO()
    writer = wav.WavWriter(stream, 8_000)
    writer.write(np.zeros(3, np.float32))
    writer.flush()
    data = stream.getvalue()
    assert len(data) == 58 + 12
    assert int.from_bytes(data[4:8], "little") == len(data) - 8
    assert data[38:42] == b"fact"
    assert int.from_bytes(data[46:50], "little") == 3


def test_it_ends_where_the_format_ends(monkeypatch):
    assert 58 + 4 * wav.MAX_SAMPLES <= (1 << 32) - 1 < 58 + 4 * (wav.MAX_SAMPLES + 1)
    monkeypatch.setattr(wav, "MAX_SAMPLES", 2)
    writer = wav.WavWriter(io.BytesIO(), 8_000)
    with pytest.raises(ValueError, match="cannot be longer"):
        writer.write(np.zeros(3, np.float32))


@pytest.mark.parametrize(("rate", "target"), [(44_100, 48_000), (48_000, 44_100), (8_000, 48_000)])
def test_a_tone_keeps_its_pitch_at_any_rate(rate, target):
    times = np.arange(rate) / rate
    resampler = Resampler(rate, target=target)
    tone = np.sin(2 * np.pi * 440 * times).astype(np.float32)
    parts = [resampler.push(tone[at : at + 1_000]) for at in range(0, rate, 1_000)]
    found = np.concatenate([*parts, resampler.finish()])
    assert len(found) == target
    wanted = np.sin(2 * np.pi * 440 * np.arange(target) / target)
    middle = slice(target // 20, -target // 20)
    np.testing.assert_allclose(found[middle], wanted[middle], atol=5e-3)
