# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of a batch: what is read from a manifest or a folder, and which files they lead to."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from facewright.core.batch.manifest import Row, chosen_rows, folder_rows, read_manifest, voice_rows
from facewright.core.batch.order import Order
from facewright.core.errors import UserError


@pytest.fixture
def manifest(tmp_path):
    def write(*rows: object, name: str = "rows.jsonl") -> Path:
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        path = tmp_path / name
        path.write_text("\n".join(lines), "utf-8")
        return path

    return write


def test_every_field_of_a_row_is_read(manifest, tmp_path):
    (tmp_path / "keys.json").write_text('[{"time": 0, "emotions": {"joy": 0.5}}]', "utf-8")
    path = manifest(
        {
            "audio": "v/a.wav", "output": "s 1/朝", "start": 1, "end": 2.5, "channel": 2,
            "settings": {"blink_seed": 3}, "identity": "James", "emotion": "keys.json",
            "fps": 23.976, "formats": ["json", "usd"], "blend": "b.blend", "character": "Face",
            "note": {"mine": 1},
        }
    )  # fmt: skip
    (row,) = read_manifest(path)
    assert not row.problem
    assert row.audio == str(tmp_path / "v" / "a.wav")
    assert (row.output, row.identity, row.formats) == ("s 1/朝", "James", ("json", "usd"))
    assert (row.voice.start_s, row.voice.end_s, row.voice.channel) == (1.0, 2.5, 1)
    assert row.fps == Fraction(24000, 1001)
    assert (row.blend, row.character) == (str(tmp_path / "b.blend"), "Face")
    again = Row.from_mapping(json.loads(json.dumps(row.to_mapping())))
    keys: Any = (again.emotion["keys"], row.emotion["keys"])
    assert keys[0].values.tobytes() == keys[1].values.tobytes()
    assert replace(again, emotion={}) == replace(row, emotion={})
    own = Order(settings={"blink_seed": 1, "blink_offset": 0.1}).for_row(row)
    assert own.settings == {"blink_seed": 3, "blink_offset": 0.1, "identity": "James"}
    assert own.fps == Fraction(24000, 1001)
    assert own.emotion.keys.values[0, 6] == 0.5


def test_a_row_changes_only_the_parts_of_the_emotion_that_it_names(manifest):
    (row,) = read_manifest(manifest({"audio": "a.wav", "emotion": {"overrides": {"joy": 1}}}))
    order = Order.from_mapping(
        {"facewright_batch": 1, "emotion": {"mode": "frames", "model": "built-in"}}, Path("/"), ""
    )
    own = order.for_row(row)
    assert (own.emotion.mode, own.emotion.model) == ("frames", "built-in")
    assert own.emotion.overrides == {"joy": 1}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "not valid JSON"), ("[1]", "JSON object"), ('{"audio": 3}', "has to be a text"),
        ('{"audio": "a", "audio": "b"}', "appears twice"), ('{"output": "a"}', "names no audio"),
        ('{"audio": "a.wav", "setings": {}}', "no field called 'setings'"),
        ('{"audio": "a.wav", "settings": {"blink": 1}}', "no parameter called 'blink'"),
        ('{"audio": "a.wav", "settings": {"blink_strength": NaN}}', "not valid JSON"),
        ('{"audio": "a.wav", "start": -1}', "start has to be a number"),
        ('{"audio": "a.wav", "fps": 0}', "frame rate 0"),
        ('{"audio": "a.wav", "channel": 1.5}', "channel has to be a whole number"),
        ('{"audio": "a.wav", "formats": []}', "formats has to be a list"),
        ('{"audio": "a.wav", "emotion": {"mode": "x"}}', "Choose off"),
        ('{"audio": "a.wav", "emotion": "none.json"}', "does not exist"),
        ('{"audio": "a.wav", "output": "../a"}', "no name below"),
        ('{"audio": "a.wav", "output": "/a"}', "no name below"),
        ('{"audio": "a.wav", "output": "C:a"}', "':' cannot be part"),
        ('{"audio": "a.wav", "output": "a\\\\..\\\\b"}', "no name below"),
        ('{"audio": "a.wav", "output": ".facewright/rows/a"}', "no name below"),
        ('{"audio": "a.wav", "output": "con"}', "no name below"),
        ('{"audio": "a.wav", "output": "\\ud800"}', "has to be a text"),
        ('{"audio": "\\u0000"}', "has to be a text"),
        ('{"a":' * 200 + "1" + "}" * 200, "nested too deeply"),
    ],
)  # fmt: skip
def test_a_bad_line_is_one_bad_row(manifest, line, says):
    rows = read_manifest(manifest({"audio": "before.wav"}, "", line, {"audio": "after.wav"}))
    assert [bool(row.problem) for row in rows] == [False, True, False]
    assert says in rows[1].problem
    assert "rows.jsonl, line 3" in rows[1].problem or "none.json" in rows[1].problem or (
        "frame rate" in rows[1].problem
    )  # fmt: skip
    assert "\n" not in rows[1].problem
    assert [row.number for row in rows] == [0, 1, 2]
    assert [Row.from_mapping(json.loads(json.dumps(row.to_mapping()))) for row in rows] == [*rows]
    assert len({row.output for row in rows}) == 3


def test_a_manifest_that_cannot_be_read_is_refused(manifest, tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        read_manifest(tmp_path / "none.jsonl")
    with pytest.raises(UserError, match="no row"):
        read_manifest(manifest("", " "))


def test_no_two_rows_write_the_same_file(manifest):
    rows = read_manifest(
        manifest(
            {"audio": "a/line.wav"}, {"audio": "b/line.wav"}, {"audio": "line.mp3"},
            {"audio": "LINE.ogg"}, {"audio": "x.wav", "output": "line_wav"},
            {"audio": "y.wav", "output": "Line_WAV"}, {"audio": "other.wav"},
        )
    )  # fmt: skip
    outputs = [row.output for row in rows]
    assert len({output.casefold() for output in outputs}) == len(rows)
    assert outputs[4] == "line_wav"
    assert outputs[6] == "other"
    assert "already that of rows.jsonl, line 5" in rows[5].problem
    assert [bool(row.problem) for row in rows] == [False] * 5 + [True, False]


def test_one_name_in_two_forms_of_unicode_is_one_file(manifest):
    rows = read_manifest(
        manifest(
            {"audio": "a.wav", "output": "caf\u00e9"}, {"audio": "b.wav", "output": "cafe\u0301"}
        )
    )
    assert rows[1].problem


def test_a_folder_is_a_manifest_in_the_order_that_people_expect(tmp_path):
    names = ["line 10.wav", "line 2.wav", "Line 1.WAV", "line 2.mp3", "夜.flac", "n.txt", ".a.wav"]
    for name in names:
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "folder.wav").mkdir()
    rows = folder_rows(tmp_path)
    assert [Path(row.audio).name for row in rows] == [
        "Line 1.WAV", "line 2.mp3", "line 2.wav", "line 10.wav", "夜.flac",
    ]  # fmt: skip
    assert [row.output for row in rows] == [
        "Line 1", "line 2_mp3", "line 2_wav", "line 10", "夜",
    ]  # fmt: skip
    with pytest.raises(UserError, match="holds no sound"):
        folder_rows(tmp_path / "folder.wav")
    with pytest.raises(UserError, match="cannot be read"):
        folder_rows(tmp_path / "none")


def test_a_folder_of_more_voices_than_a_player_lists_is_whole(tmp_path):
    for number in range(600):
        (tmp_path / f"{number}.wav").touch()
    assert len(folder_rows(tmp_path)) == 600


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("", range(20)), ("3", [3]), ("0-2,12", [0, 1, 2, 12]), ("5-5", [5]), (" 7 , 1-2 ", [1, 2, 7]),
     ("0-10:5", [0, 5, 10]), ("4,4,3-4", [3, 4])],
)  # fmt: skip
def test_ranges_of_rows(text, numbers):
    rows = voice_rows([f"{number}.wav" for number in range(20)])
    assert [row.number for row in chosen_rows(rows, text)] == list(numbers)


@pytest.mark.parametrize("text", ["20", "0-20", "a", "-1", "3-1", "1-2:0", "1,,2", "9" * 30, "1.5"])
def test_ranges_that_make_no_sense_are_refused(text):
    with pytest.raises(UserError, match=r"no range|no row"):
        chosen_rows(voice_rows([f"{number}.wav" for number in range(20)]), text)


def test_an_order_survives_its_file(tmp_path):
    from facewright.core.batch.order import read_order, write_order
    from facewright.core.emotion.source import EmotionSource
    from facewright.core.emotion.track import EmotionTrack
    from facewright.core.exchange.channel_map import ChannelMap
    from facewright.core.exchange.gains import Gains
    from facewright.core.solve.pose_table import PoseTable, RigOverrides

    keys = np.zeros((2, 10), np.float32)
    keys[1, 6] = 0.3
    order = Order(
        model=str(tmp_path / "モデル"), low_delay=True, settings={"blink_seed": 4},
        rigs=RigOverrides(skin=PoseTable(active={"tongueOut": False})),
        emotion=EmotionSource(
            keys=EmotionTrack(np.array([0.0, 1.5]), keys), model="built-in", mode="keys",
            preferred=(0.5,) * 10, overrides={"joy": 0.4}, beginning=(0.0,) * 10,
        ),
        fps=Fraction(24000, 1001), formats=("json", "usd"),
        gains=Gains({"jawOpen": 1.2}, {"jawOpen": -0.1}, clamp=True),
        mapping=ChannelMap({"CTRL_jaw": {"jawOpen": 1.0}}, "mine"), tongue=False, joints=False,
    )  # fmt: skip
    write_order(tmp_path / "order.json", order)
    back = read_order(tmp_path / "order.json")
    assert back.to_mapping() == order.to_mapping()
    assert back.emotion.identity == order.emotion.identity
    for name in ("fps", "formats", "gains", "mapping", "tongue", "joints", "low_delay"):
        assert getattr(back, name) == getattr(order, name)


@pytest.mark.parametrize(
    ("values", "says"),
    [({}, "no facewright_batch"), ({"facewright_batch": 2}, "version 2"),
     ({"facewright_batch": 1, "rig": {}}, "no field called 'rig'"),
     ({"facewright_batch": 1, "gains": {"jawOpen": 2}}, "no file of gains"),
     ({"facewright_batch": 1, "fps": "x"}, "frame rate"),
     ({"facewright_batch": 1, "low_delay": 1}, "low_delay has to be true or false"),
     ({"facewright_batch": 1, "settings": {"blink_strength": 1e9}}, "has to be between")],
)  # fmt: skip
def test_a_bad_order_is_refused(values, says, tmp_path):
    with pytest.raises(UserError, match=says):
        Order.from_mapping(values, tmp_path)


def test_names_of_voices_that_not_every_system_takes_are_changed(manifest, tmp_path):
    names = ["a:b.wav", "line .wav", " x.wav", "con.wav", "what?.wav", "a_b.mp3", "end..wav"]
    rows = voice_rows([str(tmp_path / name) for name in names])
    found = [row.output for row in rows]
    assert found == ["a_b_wav", "line", "x", "con_", "what_", "a_b_mp3", "end"]
    again = read_manifest(manifest(*[{"audio": row.audio, "output": row.output} for row in rows]))
    assert [(row.output, row.problem) for row in again] == [(name, "") for name in found]
