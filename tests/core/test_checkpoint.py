# SPDX-License-Identifier: GPL-3.0-or-later
"""A long run that was broken off goes on where it was."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from diffusion_runs import listen, settings_of
from facewright.core.emotion.track import constant
from facewright.core.models.model import load_model
from facewright.core.network import checkpoint as checkpoints
from facewright.core.network.checkpoint import Checkpoint
from facewright.core.network.running import Meter
from facewright.core.voice.audio import Clip


class Broken(Exception):
    pass


def broken_after(inferences):
    left = [inferences]

    def progress(_):
        left[0] -= 1
        if not left[0]:
            raise Broken

    return progress


@pytest.mark.parametrize("inferences", [2, 3, 4])
def test_a_run_broken_off_goes_on_from_its_checkpoint(
    tmp_path, james, james_network, clip, inferences
):
    path = tmp_path / "run.npz"
    whole = listen(james_network, james, clip)
    with pytest.raises(Broken):
        listen(james_network, james, clip, checkpoint=Checkpoint(path, 1),
               progress=broken_after(inferences))  # fmt: skip
    assert path.is_file()
    meter = Meter()
    resumed = listen(james_network, james, clip, checkpoint=Checkpoint(path, 1), meter=meter)
    np.testing.assert_array_equal(resumed.skin, whole.skin)
    np.testing.assert_array_equal(resumed.tongue, whole.tongue)
    np.testing.assert_array_equal(resumed.eyes, whole.eyes)
    np.testing.assert_array_equal(resumed.shapes.skin, whole.shapes.skin)
    # What was done is not done again; the first two inferences give no and 15 frames
    assert meter.frames == 138 - [0, 15, 45][inferences - 2]
    assert not path.exists()


def test_a_checkpoint_of_anything_else_is_not_used(
    tmp_path, james, diffusion_stub, james_network, clip
):
    path = tmp_path / "run.npz"
    claire = load_model(diffusion_stub.folder, "Claire")
    others = (
        {"settings": settings_of(james, input_strength=1.1)},
        {"settings": settings_of(james, noise_seed=1)},
        {"emotion": constant(np.full(10, 0.1))},
        {"clip": Clip(clip.samples[:-1], "voice", "")},
        {"model": claire},
    )
    for change in others:
        with pytest.raises(Broken):
            listen(
                james_network, james, clip, checkpoint=Checkpoint(path, 1), progress=broken_after(4)
            )
        asked = {"model": james, "clip": clip, **change}
        meter = Meter()
        motion = listen(james_network, checkpoint=Checkpoint(path, 1), meter=meter, **asked)
        plain = listen(james_network, **asked)
        assert meter.frames == motion.frame_count
        np.testing.assert_array_equal(motion.skin, plain.skin)


def test_later_settings_do_not_spoil_a_checkpoint(tmp_path, james, james_network, clip):
    path = tmp_path / "run.npz"
    with pytest.raises(Broken):
        listen(james_network, james, clip, checkpoint=Checkpoint(path, 1), progress=broken_after(4))
    meter = Meter()
    settings = settings_of(james, skin_strength=0.5, blink_seed=3)
    listen(james_network, james, clip, settings=settings, checkpoint=path, meter=meter)
    assert meter.frames < 138


def test_a_damaged_checkpoint_begins_anew(tmp_path, james, james_network, clip):
    path = tmp_path / "run.npz"
    with pytest.raises(Broken):
        listen(james_network, james, clip, checkpoint=Checkpoint(path, 1), progress=broken_after(4))
    data = path.read_bytes()
    for broken in (data[: len(data) // 2], b"", b"nothing"):
        path.write_bytes(broken)
        motion = listen(james_network, james, clip, checkpoint=path)
        assert motion.frame_count == 138


def test_a_place_that_cannot_be_written_does_not_end_the_run(tmp_path, james, james_network, clip):
    meter = Meter()
    kept = Checkpoint(tmp_path / "nowhere" / "run.npz", 1)
    motion = listen(james_network, james, clip, checkpoint=kept, meter=meter)
    assert motion.frame_count == 138
    (notice,) = meter.notices
    assert "nowhere does not exist" in notice


def test_a_long_run_writes_its_checkpoint_ever_more_seldom(tmp_path, james, monkeypatch):
    written = []
    monkeypatch.setattr(checkpoints, "_write", lambda *_: written.append(1))
    kept = Checkpoint(tmp_path / "run.npz")
    at = [index for index in range(1, 7201) if kept.offer(index, lambda: (None, None))]
    assert at[:4] == [40, 80, 120, 160]
    assert len(at) == len(written) < 30
    assert all(b - a <= max(40, a // 4) for a, b in itertools.pairwise(at))
