# SPDX-License-Identifier: GPL-3.0-or-later
"""Voices. The faulty ones are the audio rows of the anchors' table of inputs to survive."""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import stubs
from facewright.core import limits
from facewright.core.errors import UserError
from facewright.core.voice.audio import Voice, probe_voice, read_voice
from facewright.core.voice.resampling import Resampler
from stubs import wav_head


def tone(hertz, seconds, rate):
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def refusal(path, **part):
    """The one sentence that reading and probing agree on."""
    with pytest.raises(UserError) as read:
        read_voice(Voice(path=str(path), **part))
    with pytest.raises(UserError) as probed:
        probe_voice(Voice(path=str(path), **part))
    assert str(read.value) == str(probed.value)
    assert "\n" not in str(read.value)
    return str(read.value)


# ---- what is heard ----------------------------------------------------------------------------


def test_16_khz_mono_comes_through_unchanged(tmp_path):
    samples = tone(300, 1.0, 16000)
    clip = read_voice(Voice(path=str(stubs.write_wav(tmp_path / "a.wav", samples))))
    np.testing.assert_array_equal(clip.samples, np.round(samples * 32767) / np.float32(32768))
    assert clip.samples.dtype == np.float32
    assert clip.duration_s == 1.0
    assert clip.notices == ()


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000, 96000, 192000, 44099])
def test_a_tone_stays_the_same_tone_at_every_rate(tmp_path, rate):
    path = stubs.write_wav(tmp_path / "a.wav", tone(1000, 1.0, rate), rate, bits=32)
    samples = read_voice(Voice(path=str(path))).samples
    assert abs(len(samples) - 16000) <= 1
    inner = slice(1000, 15000)
    np.testing.assert_allclose(samples[inner], tone(1000, 1.0, 16000)[inner], atol=4e-3)


def test_what_16_khz_cannot_hold_is_filtered_out_not_folded_back(tmp_path):
    path = stubs.write_wav(tmp_path / "a.wav", tone(10_000, 1.0, 48000), 48000, bits=32)
    samples = read_voice(Voice(path=str(path))).samples
    assert np.abs(samples[500:-500]).max() < 0.5e-2


@pytest.mark.parametrize("rate", [22050, 44100, 48000, 44099, 767_000])
def test_resampling_in_blocks_equals_resampling_at_once(rate):
    from scipy.signal import resample_poly

    samples = np.random.default_rng(0).normal(0, 0.1, rate // 2 + 200_123).astype(np.float32)
    resampler = Resampler(rate)
    parts = [resampler.push(part) for part in np.array_split(samples, 7)] + [resampler.finish()]
    whole = resample_poly(samples, resampler.up, resampler.down)
    found = np.concatenate(parts)
    assert len(found) == len(whole)
    np.testing.assert_allclose(found, whole, atol=2e-6)
    assert resampler.up / resampler.down == pytest.approx(16000 / rate, rel=1e-6)


@pytest.mark.parametrize("rate", [4_000, 768_000])
def test_lowest_and_highest_rate_are_accepted(tmp_path, rate):
    path = stubs.write_wav(tmp_path / "a.wav", tone(200, 1.0, rate), rate, bits=32)
    clip = read_voice(Voice(path=str(path)))
    np.testing.assert_allclose(
        clip.samples[1000:15000], tone(200, 1.0, 16000)[1000:15000], atol=5e-3
    )


def test_channels_are_mixed_or_chosen(tmp_path):
    left, right = tone(300, 0.6, 16000), tone(700, 0.6, 16000)
    path = str(stubs.write_wav(tmp_path / "a.wav", np.stack([left, right], 1), bits=32))
    np.testing.assert_allclose(read_voice(Voice(path=path)).samples, (left + right) / 2, atol=1e-6)
    np.testing.assert_allclose(read_voice(Voice(path=path, channel=1)).samples, right, atol=1e-6)
    assert "no channel 3; its channels are 1 to 2" in refusal(path, channel=2)


def test_a_range_is_cut_at_the_sample(tmp_path):
    path = str(stubs.write_wav(tmp_path / "a.wav", tone(300, 2.0, 16000)))
    whole = read_voice(Voice(path=path)).samples
    part = read_voice(Voice(path=path, start_s=0.5, end_s=1.25))
    np.testing.assert_array_equal(part.samples, whole[8000:20000])
    late = read_voice(Voice(path=path, start_s=1.0, end_s=99.0))
    np.testing.assert_array_equal(late.samples, whole[16000:])


@pytest.mark.parametrize(
    ("start_s", "end_s", "says"),
    [(2.5, None, "2.00 s long"), (1.0, 1.0, "not possible"), (-1.0, None, "not possible"),
     (float("nan"), None, "not possible"), (1.0, 0.5, "not possible")],
)  # fmt: skip
def test_impossible_ranges_are_refused(tmp_path, start_s, end_s, says):
    path = stubs.write_wav(tmp_path / "a.wav", tone(300, 2.0, 16000))
    assert says in refusal(path, start_s=start_s, end_s=end_s)


@pytest.mark.parametrize(
    ("suffix", "subtype"),
    [("wav", "PCM_24"), ("wav", "ULAW"), ("flac", "PCM_16"), ("aiff", "PCM_16"), ("ogg", "VORBIS"),
     ("mp3", "MPEG_LAYER_III"), ("caf", "PCM_16"), ("w64", "DOUBLE")],
)  # fmt: skip
def test_formats_and_packed_bytes(tmp_path, suffix, subtype):
    import soundfile

    path = tmp_path / f"voice.{suffix}"
    soundfile.write(path, tone(300, 1.0, 44100), 44100, subtype=subtype)
    clip = read_voice(Voice(path=str(path)))
    assert clip.duration_s == pytest.approx(1.0, abs=0.06)
    assert np.abs(clip.samples[2000:14000]).max() == pytest.approx(0.5, abs=0.05)
    packed = read_voice(Voice(data=path.read_bytes(), name="Packed"))
    np.testing.assert_array_equal(packed.samples, clip.samples)
    assert packed.sha256 == clip.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert packed.name == "Packed"
    assert clip.name == f"voice.{suffix}"


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff", "ogg", "mp3", "caf"])
def test_a_long_file_has_no_seams_and_a_range_of_it_is_exact(tmp_path, suffix):
    """Decoders that keep state (MP3, Ogg) must neither stumble between blocks nor after a seek."""
    import soundfile

    path = tmp_path / f"voice.{suffix}"
    soundfile.write(path, stubs.speech_like(15.0, 16000), 16000)
    at_once, _ = soundfile.read(path, dtype="float32")
    assert len(at_once) > limits.AUDIO_STEP_FRAMES * 50
    whole = read_voice(Voice(path=str(path))).samples
    np.testing.assert_allclose(whole, at_once, atol=1e-6)
    part = read_voice(Voice(path=str(path), start_s=7.0, end_s=8.0)).samples
    np.testing.assert_allclose(part, whole[112000:128000], atol=1e-6)


def test_probe_gives_rate_length_hash_and_envelope(tmp_path):
    samples = np.concatenate([np.full(5000, 0.25), np.full(5000, -0.5)])
    path = stubs.write_wav(tmp_path / "a.wav", np.stack([samples, samples], 1), 10000, bits=32)
    info = probe_voice(Voice(path=str(path)), columns=4)
    assert (info.rate, info.channels, info.duration_s) == (10000, 2, 1.0)
    assert info.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    np.testing.assert_allclose(info.envelope, [[0.25, 0.25]] * 2 + [[-0.5, -0.5]] * 2)


@pytest.mark.parametrize("columns", [1, 7, 1000, 5000])
def test_envelope_over_many_blocks_equals_the_obvious_one(tmp_path, monkeypatch, columns):
    monkeypatch.setattr(limits, "AUDIO_BLOCK_VALUES", 700)
    samples = np.random.default_rng(0).uniform(-1, 1, 3001).astype(np.float32)
    path = stubs.write_wav(tmp_path / "a.wav", samples, bits=32)
    envelope = probe_voice(Voice(path=str(path)), columns).envelope
    edges = [k * 3001 // len(envelope) for k in range(len(envelope) + 1)]
    expected = [(samples[a:b].min(), samples[a:b].max()) for a, b in itertools.pairwise(edges)]
    assert len(envelope) == min(columns, 3001)
    np.testing.assert_array_equal(envelope, expected)


def test_blocks_do_not_change_what_is_heard(tmp_path, monkeypatch):
    path = stubs.write_wav(tmp_path / "a.wav", stubs.speech_like(3.0, 44100), 44100)
    whole = read_voice(Voice(path=str(path))).samples
    monkeypatch.setattr(limits, "AUDIO_BLOCK_VALUES", 10_000)
    np.testing.assert_array_equal(read_voice(Voice(path=str(path))).samples, whole)


# ---- faults (anchors 3.1) -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"", "is empty", id="empty file"),
        pytest.param(b"RIFF", "cannot be read as sound", id="RIFF only"),
        pytest.param(wav_head(4, channels=0) + b"1234", "cannot be read", id="no channels"),
        pytest.param(wav_head(4, channels=65535) + b"1234", "cannot be read", id="65535 channels"),
        pytest.param(wav_head(4, rate=0) + b"1234", "bad.wav", id="rate 0"),
        pytest.param(wav_head(4, bits=0) + b"1234", "cannot be read as sound", id="0 bits"),
        pytest.param(wav_head(400, kind=0x55) + b"\xff\xfb\x90\x64" * 100, "bad.wav", id="MP3"),
        pytest.param(b"just text, no sound " * 50, "cannot be read as sound", id="not audio"),
        pytest.param(wav_head(0), "holds no sound", id="zero frames"),
        pytest.param(wav_head(64, rate=2147483647) + bytes(64), "samples per second", id="2^31"),
        pytest.param(wav_head(64, rate=3999) + bytes(64), "4000 to 768000", id="rate too low"),
        pytest.param(wav_head(64, rate=768001) + bytes(64), "4000 to 768000", id="rate too high"),
    ],
)  # fmt: skip
def test_files_that_are_no_usable_sound_are_refused_in_one_sentence(tmp_path, content, says):
    path = tmp_path / "bad.wav"
    path.write_bytes(content)
    text = refusal(path)
    assert says in text
    assert "bad.wav" in text
    with pytest.raises(UserError):
        read_voice(Voice(data=content, name="Packed"))


def test_a_folder_and_a_missing_file_are_refused(tmp_path):
    assert "is a folder" in refusal(tmp_path)
    assert "does not exist" in refusal(tmp_path / "none.wav")
    assert "does not exist" in refusal(tmp_path / "none.wav" / "a.wav") or os.name != "nt"
    with pytest.raises(UserError, match="No voice"):
        read_voice(Voice())


def test_a_suffix_that_means_headerless_sound_is_refused(tmp_path):
    path = tmp_path / "voice.raw"
    path.write_bytes(bytes(1000))
    assert "cannot be read as sound" in refusal(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    assert "is not a file" in refusal(tmp_path / "pipe.wav")


@pytest.mark.parametrize(
    ("claimed", "present"),
    [pytest.param(0xFFFFFF00, 200, id="4 GB in the header"), pytest.param(32000, 16001, id="cut")],
)
def test_sound_shorter_than_its_header_says_is_used_with_a_notice(tmp_path, claimed, present):
    path = tmp_path / "short.wav"
    path.write_bytes(wav_head(claimed) + b"\x00\x10" * (present // 2) + b"\x00" * (present % 2))
    clip = read_voice(Voice(path=str(path)))
    assert len(clip.samples) == present // 2
    assert "short.wav is shorter than its header says" in clip.notices[0]


def test_a_cut_flac_is_used_as_far_as_it_goes(tmp_path):
    import soundfile

    path = tmp_path / "voice.flac"
    noise = np.random.default_rng(0).normal(0, 0.1, 80_000)
    soundfile.write(path, noise, 16000)
    path.write_bytes(path.read_bytes()[:100_000])
    clip = read_voice(Voice(path=str(path)))
    assert 16_000 < len(clip.samples) < 80_000
    assert "shorter than its header says" in clip.notices[0]


def test_no_notice_when_only_the_chosen_part_was_wanted(tmp_path):
    path = tmp_path / "short.wav"
    path.write_bytes(wav_head(64000) + b"\x00\x10" * 20000)
    assert read_voice(Voice(path=str(path), end_s=1.0)).notices == ()


def test_values_that_are_no_numbers_become_silence_and_loud_ones_are_clipped(tmp_path):
    samples = np.full(16000, 0.25, np.float32)
    samples[[10, 20, 30]] = np.nan, np.inf, -np.inf
    samples[[40, 50]] = 1e30, -3
    clip = read_voice(Voice(path=str(stubs.write_wav(tmp_path / "nan.wav", samples, bits=32))))
    assert clip.samples[[10, 20, 30]].tolist() == [0, 0, 0]
    assert clip.samples[[40, 50]].tolist() == [1, -1]
    assert any("3 values that are not numbers" in notice for notice in clip.notices)
    assert any("2 values were clipped" in notice for notice in clip.notices)
    assert np.isfinite(probe_voice(Voice(path=str(tmp_path / "nan.wav"))).envelope).all()


def test_under_half_a_second_is_used_with_a_notice(tmp_path):
    path = stubs.write_wav(tmp_path / "hm.wav", tone(300, 0.4, 16000))
    (notice,) = read_voice(Voice(path=str(path))).notices
    assert "hm.wav is under 0.5 s" in notice
    one = stubs.write_wav(tmp_path / "one.wav", np.array([0.5]))
    assert len(read_voice(Voice(path=str(one))).samples) == 1


def test_hours_of_sound_are_refused_but_a_part_of_them_is_used(tmp_path):
    path = tmp_path / "hours.wav"
    seconds = 3 * 3600
    with path.open("wb") as stream:
        stream.write(wav_head(seconds * 8000, rate=8000, bits=8))
        stream.truncate(44 + seconds * 8000)  # sparse: takes no space
    assert "180 minutes long; at most 60" in refusal(path)
    clip = read_voice(Voice(path=str(path), start_s=7200.0, end_s=7201.5))
    assert clip.duration_s == 1.5


def test_memory_grows_with_what_comes_out_not_with_the_file(tmp_path):
    import tracemalloc

    path = tmp_path / "studio.wav"
    values = 40 * 192_000 * 2
    with path.open("wb") as stream:
        stream.write(wav_head(values * 2, rate=192_000, channels=2))
        stream.truncate(44 + values * 2)
    read_voice(Voice(path=str(path), end_s=0.1))  # what is imported on the way does not count
    tracemalloc.start()
    try:
        clip = read_voice(Voice(path=str(path)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert clip.duration_s == 40
    assert peak < 4 * values / 3  # the decoded sound alone would be three times that


def test_names_in_any_script_work(tmp_path):
    folder = tmp_path / "声 ñ 🙂"
    folder.mkdir()
    path = stubs.write_wav(folder / "gölös — голос.wav", tone(300, 0.6, 16000))
    clip = read_voice(Voice(path=str(path)))
    assert clip.name == Path(path).name
    assert clip.duration_s == pytest.approx(0.6)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_names_that_are_no_text_work(tmp_path):
    """A file from an old disk may have any bytes as its name."""
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav")
    shutil.copy(stubs.write_wav(tmp_path / "a.wav", tone(300, 1.0, 16000)), path)
    clip = read_voice(Voice(path=path))
    assert len(clip.samples) == 16000
    assert clip.name == "caf?.wav"
