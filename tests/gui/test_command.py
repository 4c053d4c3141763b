# SPDX-License-Identifier: GPL-3.0-or-later
"""``blender --command facewright animate`` in a real Blender: its files and its exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import driver
import stub_diffusion
import stub_emotion
import stubs

LIMIT_S = 120


def script() -> driver.Steps:
    extension = driver.install()
    yield
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        blend = _file_with_head(folder)
        yield
        _succeeds(folder, blend)
        yield
        _animates_by_every_family(folder, blend)
        yield
        _lists(folder)
        yield
        _refuses_input(folder, blend)
        yield
        _refuses_usage(blend)
        yield
        _reports_fault(folder, blend, Path(extension.__file__).parent)
        yield


def _file_with_head(folder: Path) -> Path:
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.facewright.add_head()
    bpy.context.scene.facewright.characters[-1].skin.name = "Face"
    path = folder / "face.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


def _command(blend: Path, *words: str) -> subprocess.CompletedProcess[str]:
    start = [bpy.app.binary_path, "--background", str(blend)]
    start += ["--addons", "bl_ext.user_default.facewright", "--command", "facewright"]
    done = subprocess.run(
        [*start, *words], capture_output=True, text=True, timeout=LIMIT_S, errors="replace"
    )
    print(words[-2:], "->", done.returncode, done.stdout[-300:], done.stderr[-300:], flush=True)
    return done


def _animate(blend: Path, out: Path, **changed: str) -> subprocess.CompletedProcess[str]:
    options = {"file": str(blend), "audio": driver.VOICE, "object": "Face", "out": str(out)}
    options.update(changed)
    words = [word for key, value in options.items() for word in (f"--{key}", value)]
    return _command(blend, "animate", *words)


def _succeeds(folder: Path, blend: Path) -> None:
    out = folder / "line.json"
    assert _animate(blend, out).returncode == 0
    weights: Any = json.loads(out.read_text(encoding="utf-8"))
    assert len(weights["facsNames"]) == 68
    assert max(max(row) for row in weights["weightMat"]) > 0.2


def _animates_by_every_family(folder: Path, blend: Path) -> None:
    """Stub folders of every family move the head."""
    stub = stubs.make_stub_model(folder / "regression").folder
    diffusion = stub_diffusion.make_stub_diffusion(folder / "diffusion").folder
    hearing = stub_emotion.make_stub_emotion(folder / "hearing").folder
    seen = []
    for number, more in enumerate((
        ["--model", str(stub)],
        ["--model", str(diffusion), "--identity", "James", "--accept-licence"],
        ["--model", str(stub), "--auto-emotion", str(hearing), "--accept-licence"],
    )):  # fmt: skip
        out = folder / f"family{number}.json"
        words = ["--audio", driver.VOICE, "--object", "Face", "--out", str(out)]
        assert _command(blend, "animate", *words, *more).returncode == 0
        weights = json.loads(out.read_text(encoding="utf-8"))["weightMat"]
        assert max(max(row) for row in weights) > 0.01
        seen.append(weights)
    assert seen[0] != seen[2]


def _lists(folder: Path) -> None:
    blend = folder / "face.blend"
    devices = _command(blend, "devices")
    assert devices.returncode == 0 and "CPU, usable, tested" in devices.stdout
    models = _command(blend, "models", str(folder / "diffusion"))
    assert models.returncode == 0 and "Identities: Claire, James, Mark" in models.stdout


def _refuses_input(folder: Path, blend: Path) -> None:
    out = folder / "nothing.json"
    done = _animate(blend, out, audio=str(folder / "none.wav"))
    assert done.returncode == 1
    told = done.stdout + done.stderr
    assert "none.wav" in told and "Traceback" not in told
    assert not out.exists()
    missing = folder / "missing.blend"  # Blender itself would open its start-up scene instead
    assert _animate(missing, out).returncode == 1


def _refuses_usage(blend: Path) -> None:
    assert _command(blend, "animate", "--no-such-option").returncode == 2
    assert _command(blend).returncode == 2


def _reports_fault(folder: Path, blend: Path, installed: Path) -> None:
    """A damaged installation stands for a fault of ours."""
    module = installed / "scene" / "actions.py"
    text = module.read_text(encoding="utf-8")
    try:
        module.write_text(
            text + "\n\ndef write_steps(*_a, **_k):\n    raise ZeroDivisionError('planted')\n",
            encoding="utf-8",
        )
        out = folder / "fault.json"
        done = _animate(blend, out)
        assert done.returncode == 4
        assert "report" in (done.stdout + done.stderr).lower()
        assert not out.exists()
    finally:
        module.write_text(text, encoding="utf-8")


driver.run(script)
