# SPDX-License-Identifier: GPL-3.0-or-later
"""``facewright export`` and ``import``, and the take's own weights, without a window."""

from __future__ import annotations

import json
from fractions import Fraction

import bpy
import numpy as np
import pytest


@pytest.fixture
def take(code, scene, own_face, stub, voice):
    """A take of 60 frames per second in a scene of 30."""
    animate = code("operators.animate").animate_object
    return animate(bpy.context, own_face, voice, fps=60, model=str(stub.folder), start_frame=1)


def test_the_takes_own_weights_are_written_at_its_own_rate(code, scene, take, command, tmp_path):
    own, shown = tmp_path / "own.json", tmp_path / "shown_bsweight46.json"
    status, said, errors = command(
        "export", "--object", "Face", "--source", "take", "--out", str(own)
    )
    assert (status, errors) == (0, ""), errors
    assert said.splitlines()[-1] == "Done: Wrote own.json."
    found = code("core.exchange.weights_json").read_weights(own)
    assert found.fps == Fraction(60)
    assert found.names == take.face.names
    np.testing.assert_allclose(found.weights, take.face.weights, atol=1e-6)
    np.testing.assert_allclose(found.jaw, take.face.jaw, atol=2e-5)
    assert json.loads(own.read_text("utf-8"))["trackPath"].endswith(".wav")
    status, _said, errors = command(
        "export", "--object", "Face", "--out", str(shown), str(tmp_path / "a b.csv"),
        "--start", "1", "--end", "10", "--fps", "24000/1001", "--quiet",
    )  # fmt: skip
    assert (status, errors) == (0, "")
    values = json.loads(shown.read_text("utf-8"))
    assert values["facsNames"][0] == "browLowerL"
    assert values["numFrames"] == 8
    assert (tmp_path / "a b.csv").read_text().count("\n") == 9


def test_a_take_whose_file_is_gone_is_told(code, take, command, tmp_path):
    for path in code("scene.places").take_files(take.take_id):
        path.unlink()
    status, _said, errors = command("export", "--source", "take", "--object", "Face",
                                    "--out", str(tmp_path / "a.json"))  # fmt: skip
    assert status == 1
    assert "has no file" in errors
    assert not list(tmp_path.iterdir())


def test_out_and_in_again_with_gains_and_a_mapping(code, scene, own_face, command, tmp_path):
    keys = own_face.data.shape_keys.key_blocks
    keys["JawOpen"].value = 0.5
    scene.frame_start, scene.frame_end = 1, 3
    gains, mapping = tmp_path / "gains.json", tmp_path / "table.json"
    gains.write_text('{"schema": 1, "multipliers": {"jawOpen": 0.5}}')
    mapping.write_text('{"schema": 1, "targets": {"CTRL_expressions_jawOpen": {"jawOpen": 2}}}')
    out = [tmp_path / "a_bsweight.usd", tmp_path / "a_metahuman.json"]
    status, _said, errors = command(
        "export", "--gains", str(gains), "--mapping", str(mapping), "--object", "Face",
        "--out", *map(str, out),
    )  # fmt: skip
    assert (status, errors) == (0, "")
    assert json.loads(out[1].read_text())["mh_curveValues"] == [[0.5]] * 3
    blend = tmp_path / "in.blend"
    status, said, errors = command(
        "import", str(out[0]), "--object", "Face", "--start-frame", "11", "--out", str(blend)
    )
    assert (status, errors) == (0, "")
    assert "3 frames of a_bsweight.usd at 30 per second" in said.splitlines()[-1]
    assert blend.stat().st_size > 10_000
    scene.frame_set(12)
    assert keys["JawOpen"].value == pytest.approx(0.25, abs=1e-6)


@pytest.mark.parametrize(
    ("words", "code_", "says"),
    [
        (("export",), 2, "--out"),
        (("export", "--out", "a.gif"), 1, "its ending is none of"),
        (("export", "--out", "a.json", "--object", "None"), 1, "no object 'None'"),
        (("export", "--out", "a.json", "--gains", "none.json"), 1, "none.json does not exist"),
        (("export", "--out", "a.json", "--mapping", "none.json"), 1, "none.json does not exist"),
        (("export", "--out", "none/a.json"), 1, "does not exist"),
        (("export", "--out", "a.json", "--start", "5", "--end", "1"), 1, "ends at frame 1"),
        (("export", "--out", "a.json", "--source", "take"), 1, "No take moves"),
        (("import", "none.json"), 1, "none.json does not exist"),
        (("import",), 2, "path"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    scene, own_face, command, tmp_path, monkeypatch, words, code_, says
):
    monkeypatch.chdir(tmp_path)
    scene.facewright.add_character("Face", None, own_face)
    status, _said, errors = command(*words)
    assert status == code_
    assert says in errors.lower() or says in errors
    assert not list(tmp_path.iterdir())
