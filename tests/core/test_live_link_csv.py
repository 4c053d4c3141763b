# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of Live Link Face: the app's columns, rows that are missing or stand twice, bad files."""

from __future__ import annotations

import csv
from fractions import Fraction

import numpy as np
import pytest
from facewright.core.errors import UserError
from facewright.core.exchange import live_link_csv, weights
from facewright.core.naming import ARKIT_NAMES
from weight_faces import moving_face

read = live_link_csv.read_live_link_csv


def table(tmp_path, *rows, header="Timecode,BlendShapeCount,JawOpen,HeadYaw"):
    path = tmp_path / "take.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_the_columns_are_the_apps(tmp_path):
    face = moving_face(130, 60)
    path = tmp_path / "a.csv"
    weights.write_weight_file(path, weights.CSV, face)
    header, *rows = csv.reader(path.open(encoding="utf-8", newline=""))
    assert len(header) == 63
    assert header[:3] == ["Timecode", "BlendshapeCount", "EyeBlinkLeft"]
    assert header[16:20] == ["JawForward", "JawRight", "JawLeft", "JawOpen"]
    assert header[23:25] == ["MouthRight", "MouthLeft"]
    assert header[53:57] == ["TongueOut", "HeadYaw", "HeadPitch", "HeadRoll"]
    assert header[57:] == [f"{eye}Eye{axis}" for eye in ("Left", "Right")
                           for axis in ("Yaw", "Pitch", "Roll")]  # fmt: skip
    assert [row[0] for row in (rows[0], rows[59], rows[61])] == [
        "00:00:00:00.000", "00:00:00:59.000", "00:00:01:01.000"]  # fmt: skip
    assert {row[1] for row in rows} == {"61"}
    values = np.array([row[2:] for row in rows], float)
    for name in ("jawLeft", "mouthRight", "cheekPuff"):
        column = values[:, header.index(name[0].upper() + name[1:]) - 2]
        np.testing.assert_allclose(column, face.weights[:, face.names.index(name)], atol=1e-7)
    radians = values[:, header.index("LeftEyeYaw") - 2]
    np.testing.assert_allclose(np.degrees(radians), face.eyes[:, 1, 1], atol=1e-5)
    assert read(path).fps == 60, "two seconds tell the rate"


def test_rows_are_found_by_name_and_in_any_order(tmp_path):
    path = table(
        tmp_path, "61,0.5,10:00:00:01.000,0.25", "61,0.0,10:00:00:00.000,0.125",
        header="BlendShapeCount,JAWOPEN,TimeCode,mouthLeft",
    )  # fmt: skip
    found = read(path, Fraction(30))
    assert found.names == ("jawOpen", "mouthLeft")
    np.testing.assert_allclose(found.weights, [[0.0, 0.125], [0.5, 0.25]], atol=1e-7)
    assert found.head is None


def test_missing_rows_are_filled_and_of_doubled_ones_the_last_counts(tmp_path):
    path = table(
        tmp_path, "00:00:59:28.000,61,0.0,0", "00:00:59:29.000,61,0.1,0",
        "00:00:59:29.000,61,0.2,0", "00:01:00:02.000,61,0.5,0", "00:01:00:03.000,61,0.6,0",
    )  # fmt: skip
    found = read(path)
    assert found.fps == 30
    np.testing.assert_allclose(found.weights[:, 0], [0, 0.2, 0.3, 0.4, 0.5, 0.6], atol=1e-6)


def test_subframes_that_are_off_evenly_are_kept_as_they_are(tmp_path):
    rows = [f"23:59:59:{frame:02d}.352,61,{frame / 100},0" for frame in range(50, 60)]
    rows += [f"00:00:00:{frame:02d}.352,61,{(frame + 60) / 100},0" for frame in range(5)]
    found = read(table(tmp_path, *rows))
    assert (found.fps, found.frame_count) == (60, 15)
    np.testing.assert_allclose(found.weights[:, 0], np.arange(50, 65) / 100, atol=1e-6)


def test_radians_of_the_head_are_degrees_of_ours(tmp_path):
    path = table(tmp_path, "00:00:00:00.000,61,0,0.5", "00:00:00:01.000,61,0,-0.5")
    np.testing.assert_allclose(read(path).head[:, 1], np.degrees([0.5, -0.5]), atol=1e-5)


@pytest.mark.parametrize(
    ("header", "rows", "says"),
    [
        ("a,b", ["1,2"], "no column Timecode"),
        ("Timecode,JawOpen,jawOpen", ["00:00:00:00,1,1"], "JawOpen twice"),
        ("Timecode,,JawOpen", ["00:00:00:00,1,1"], "without a name"),
        ("Timecode,Other", ["00:00:00:00,1"], "no pose of ARKit"),
        (None, [], "no frames"),
        (None, ["00:00:00:00.000,61,0.5"], "line 2: 3 values instead of 4"),
        (None, ["00:00:00:00.000,61,nan,0"], "line 2: JawOpen is nan"),
        (None, ["00:00:00:00.000,61,inf,0"], "JawOpen is inf"),
        (None, ["00:00:00:00.000,61,1e300,0"], "JawOpen is 1e300"),
        (None, ["00:00:00:00.000,61,x,0"], "line 2"),
        (None, ["0.5,61,0.5,0"], "no time code"),
        (None, ["00:00:00:00.000,61,0,0", "12:00:00:00.000,61,0,0"], "too long"),
    ],
)
def test_bad_tables_are_refused_by_name(tmp_path, header, rows, says):
    header = header or "Timecode,BlendShapeCount,JawOpen,HeadYaw"
    with pytest.raises(UserError, match=rf"take\.csv.*{says}"):
        read(table(tmp_path, *rows, header=header))


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "take.csv"
    path.write_bytes(b"\xff\xfe\x00Timecode")
    with pytest.raises(UserError, match="not UTF-8"):
        read(path)
    with pytest.raises(UserError, match="does not exist"):
        read(tmp_path / "none.csv")


def test_the_rate_that_was_given_has_to_fit(tmp_path):
    path = table(tmp_path, "00:00:00:00.000,61,0,0", "00:00:00:59.000,61,0,0")
    with pytest.raises(UserError, match="more than 30 frames a second"):
        read(path, Fraction(30))
    assert set(live_link_csv.APP_ORDER) == set(ARKIT_NAMES)
