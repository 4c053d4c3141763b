# SPDX-License-Identifier: GPL-3.0-or-later
"""The training speech: the same whatever the number of processes, resumable; texts; own voices."""

from __future__ import annotations

import itertools
import os
import random
import signal
import time

import numpy as np
import pytest
from facewright.core.errors import UserError
from facewright.training import own, side_by_side, speech, text, voices
from facewright.training.own import read_text_grid
from facewright.training.phones import SILENCE, Segment
from facewright.training.recipe import Recipe, read_recipe
from facewright.training.recordings import read_recording

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="training needs fork")


# ---- side by side -------------------------------------------------------------------------------


@needs_fork
@pytest.mark.parametrize("jobs", [0, 1, 2, 5])
def test_results_come_in_order_whatever_the_number_of_processes(jobs):
    found = side_by_side.results(lambda: lambda n: (n, n * n), jobs, first=3, count=11)
    assert list(found) == [(n, n * n) for n in range(3, 14)]


@needs_fork
def test_work_without_end_stops_with_its_reader():
    found = side_by_side.results(lambda: lambda n: (n, os.getpid()), 2)
    told = list(itertools.islice(found, 6))
    assert [n for n, _ in told] == list(range(6))
    pids = {pid for _, pid in told}
    assert len(pids) == 2 and os.getpid() not in pids
    found.close()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@needs_fork
def test_what_fails_in_a_process_is_told():
    def work(n):
        return 1 / (n - 3)

    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        list(side_by_side.results(lambda: work, 2, count=6))
    killed = side_by_side.results(lambda: lambda n: os.kill(os.getpid(), signal.SIGKILL), 1)
    with pytest.raises(RuntimeError, match="has ended"):
        next(killed)


@needs_fork
def test_processes_do_not_outlive_a_parent_that_was_killed(tmp_path):
    """As a user's kill -9 of a long run: nobody may go on speaking for nobody."""
    parent = os.fork()
    if not parent:

        def work(n):
            (tmp_path / str(os.getpid())).touch()
            time.sleep(0.01)
            return np.zeros(100_000)

        for _ in side_by_side.results(lambda: work, 2):
            time.sleep(0.01)
    while len(list(tmp_path.iterdir())) < 2:
        time.sleep(0.01)
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    children = [int(path.name) for path in tmp_path.iterdir()]
    while any(_lives(pid) for pid in children):
        time.sleep(0.02)


def _lives(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().split()[2] != "Z"


# ---- speech -------------------------------------------------------------------------------------


class Hum:
    """A voice family that costs nothing: two seconds of a note drawn from the seed."""

    spoken: list[int] = []

    def __init__(self, options, kinds):
        self.pitch = options["pitch"]

    @staticmethod
    def network():
        return None

    def speak(self, number, rng):
        Hum.spoken.append(number)
        times = np.arange(48000) / 24000
        wave = np.sin(2 * np.pi * self.pitch * rng.uniform(1, 2) * times).astype(np.float32)
        segments = [Segment("m", 0.0, 1.0), Segment("a", 1.0, 2.0)]
        return voices.Utterance(wave, 24000, segments, f"hum{number % 3}", "en", "")


def hum_recipe(minutes=0.3, pitch=200.0):
    values = {
        "seed": 5,
        "speech": {
            "rate": 16000, "minutes": {"hum": minutes}, "text": {"talk": 1.0},
            "hum": {"pitch": pitch},
        },
    }  # fmt: skip
    return Recipe(values, "x")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    pytest.importorskip("soxr", reason="soxr is only in the training environment")
    monkeypatch.setitem(voices.FAMILIES, "hum", Hum)
    monkeypatch.setenv("FACEWRIGHT_CACHE", str(tmp_path / "one"))
    Hum.spoken.clear()
    return tmp_path


@needs_fork
def test_speech_is_the_same_from_any_number_of_processes(cache, monkeypatch):
    told = {}
    for jobs in (0, 3):
        monkeypatch.setenv("FACEWRIGHT_CACHE", str(cache / str(jobs)))
        speech.make_speech(hum_recipe(), jobs)
        files = speech.spoken_files(hum_recipe())
        told[jobs] = [(path.name, read_recording(path)) for path in files]
    assert len(told[0]) == 9  # 0.3 minutes of 2 seconds each
    for (name, one), (other_name, other) in zip(told[0], told[3], strict=True):
        assert name == other_name
        assert np.array_equal(one.samples, other.samples)
        assert one.segments == other.segments and one.voice == other.voice


def test_speech_goes_on_where_it_stopped_and_a_smaller_recipe_takes_its_part(cache):
    speech.make_speech(hum_recipe(), 0)
    files = speech.spoken_files(hum_recipe())
    files[4].unlink()
    files[7].with_suffix(".part").write_bytes(b"cut off")
    Hum.spoken.clear()
    speech.make_speech(hum_recipe(), 0)
    assert Hum.spoken == [4]
    assert speech.spoken_files(hum_recipe(minutes=0.1)) == files[:3]
    speech.make_speech(hum_recipe(pitch=300.0), 0)  # another recipe has its own files
    assert not set(speech.spoken_files(hum_recipe(pitch=300.0))) & set(files)


# ---- text ---------------------------------------------------------------------------------------


def test_kinds_of_sentences_are_drawn_by_their_shares(tmp_path, monkeypatch):
    plain = ("sense", "stone", "iron", "dust", "tension", "notion")
    told = [
        "Will you bring me the big blue map of Bombay?",
        "I never saw you move so fast before.",
        "Pepper, bubbles, maps, pumps and bumps, papa.",
        "Twelfth strengths, angsts, and ten.",
        "Too short.",
        "In 1984 nobody spoke about this at all.",
        "SHOUTING is not for us here.",
        *(f"The nation of {word} has its own history of it." for word in plain),
    ]
    (tmp_path / "people").write_text("\n%\n".join(told), encoding="utf-8")
    monkeypatch.setattr(text, "COLLECTIONS", tmp_path)
    text.texts.cache_clear()
    known = text.texts("en")
    assert set(known.talk) == set(told[:2])
    assert "Pepper, bubbles, maps, pumps and bumps, papa." in known.lips
    assert "Twelfth strengths, angsts, and ten." in known.clusters
    assert {"bubbles", "pumps", "bumps", "strengths", "angsts"} <= set(known.words)
    drawn = [
        text.draw_sentence("en", {"talk": 0.6, "words": 0.4}, random.Random(n)) for n in range(400)
    ]
    talk = sum(sentence in known.talk for sentence in drawn) / len(drawn)
    assert 0.5 < talk < 0.7
    assert drawn[7] == text.draw_sentence("en", {"talk": 0.6, "words": 0.4}, random.Random(7))
    text.texts.cache_clear()


def test_most_of_the_recipes_sentences_are_talk():
    shares = read_recipe().section("speech", "text")
    assert shares["talk"] >= 0.6 * sum(shares.values())


def test_a_recipe_may_change_a_few_numbers_of_another(tmp_path):
    (tmp_path / "all.toml").write_text("seed = 1\n[a]\nx = 1\ny = 2\n[a.b]\nz = 3\n")
    (tmp_path / "few.toml").write_text('base = "all.toml"\n[a]\ny = 5\n')
    few = read_recipe(tmp_path / "few.toml")
    assert few.values == {"seed": 1, "a": {"x": 1, "y": 5, "b": {"z": 3}}}
    assert few.sha256 != read_recipe(tmp_path / "all.toml").sha256
    with pytest.raises(UserError, match=r"none\.toml cannot be read"):
        read_recipe(tmp_path / "none.toml")


# ---- own recordings -----------------------------------------------------------------------------

LONG = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 1.5
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 1.5
        intervals: size = 1
        intervals [1]:
            xmin = 0
            xmax = 1.5
            text = "2 ""maps"" = 3"
    item [2]:
        class = "IntervalTier"
        name = "phones"
        xmin = 0
        xmax = 1.5
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 0.5
            text = ""
        intervals [2]:
            xmin = 0.5
            xmax = 0.75
            text = "M"
        intervals [3]:
            xmin = 0.75
            xmax = 1.5
            text = "AH0"
"""
SHORT = """File type = "ooTextFile"
Object class = "TextGrid"

0
1.5
<exists>
1
"IntervalTier"
"anna - phones"
0
1.5
3
0
0.5
""
0.5
0.75
"m"
0.75
1.5
"a"
"""


@pytest.mark.parametrize("form", [LONG, SHORT])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_text_grids_are_read_in_both_forms(tmp_path, form, encoding):
    path = tmp_path / "x.TextGrid"
    path.write_text(form, encoding=encoding)
    told = read_text_grid(path)
    assert [(start, end) for _, start, end in told] == [(0, 0.5), (0.5, 0.75), (0.75, 1.5)]
    assert [phone.lower() for phone, _, _ in told][:2] == ["", "m"]
    path.write_text(form[: len(form) * 3 // 4], encoding=encoding)
    with pytest.raises(UserError, match="no complete TextGrid"):
        read_text_grid(path)


def own_recipe(folder, **more):
    values = {
        "seed": 5, "speech": {"rate": 16000, "minutes": {}, "own": {"folder": str(folder), **more}},
    }  # fmt: skip
    return Recipe(values, "x")


def test_own_recordings_become_a_family(tmp_path, monkeypatch):
    pytest.importorskip("soxr", reason="soxr is only in the training environment")
    soundfile = pytest.importorskip("soundfile")
    monkeypatch.setenv("FACEWRIGHT_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "voices"
    (folder / "anna").mkdir(parents=True)
    tone = 0.2 * np.sin(np.arange(66150) / 10)
    soundfile.write(folder / "anna" / "one.wav", tone, 44100)
    (folder / "anna" / "one.TextGrid").write_text(LONG, encoding="utf-8")
    recipe = own_recipe(folder, language="en")
    own.read_own(recipe)
    (path,) = speech.spoken_files(recipe)
    told = read_recording(path)
    assert told.family == own.FAMILY and told.voice == "anna" and told.language == "en"
    assert told.segments == [
        Segment(SILENCE, 0.0, 0.5), Segment("M".lower(), 0.5, 0.75), Segment("ə", 0.75, 1.5),
    ]  # fmt: skip
    assert len(told.samples) == 24000
    # Another file, told by labels.json; what was changed is read again
    soundfile.write(folder / "two.wav", tone, 44100)
    with pytest.raises(UserError, match=r"two\.wav has no phone times: neither two\.TextGrid nor"):
        own.read_own(recipe)
    (folder / "labels.json").write_text('{"two.wav": [["p", 0.1, 0.2], ["a", 0.2, 0.5]]}')
    own.read_own(recipe)
    assert [read_recording(p).segments[-1].phone for p in speech.spoken_files(recipe)] == ["ə", "a"]
    (folder / "labels.json").write_text('{"two.wav": [["p", 0.3, 0.2]]}')
    with pytest.raises(UserError, match=r"labels\.json: the phones of two\.wav are none, or end"):
        own.read_own(recipe)
    with pytest.raises(UserError, match="does not exist"):
        own.read_own(own_recipe(folder / "nowhere"))
