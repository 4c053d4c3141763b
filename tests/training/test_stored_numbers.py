# SPDX-License-Identifier: GPL-3.0-or-later
"""Exported networks in half the space: what is stored short, what is not, old files read."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="torch is only in the training environment (python tools/dev.py train)"
)
onnx = pytest.importorskip("onnx", reason="onnx is only in the training environment")

from facewright.core.head import load_head  # noqa: E402
from facewright.training.export import (  # noqa: E402
    CLIP_NETWORK,
    NETWORK,
    build_face,
    export_networks,
    export_windowed,
    largest_difference,
    reload_listener,
)
from facewright.training.lean import LEARNT, lean, rounded  # noqa: E402
from facewright.training.network import Listener  # noqa: E402
from facewright.training.onnx_file import write_onnx  # noqa: E402
from facewright.training.paths import HEAD_FILE  # noqa: E402
from facewright.training.recipe import read_recipe  # noqa: E402

DILATIONS = [1, 1, 2, 1]
needs_head = pytest.mark.skipif(
    not HEAD_FILE.exists(), reason="the head is not built (python tools/head)"
)


def listener_of(channels):
    torch.manual_seed(8)
    return lean(Listener(channels, DILATIONS).eval())


def stored(path):
    """Name without its prefix -> array as it lies in the file."""
    tensors = onnx.load(path).graph.initializer
    return {t.name.rpartition(".")[2]: onnx.numpy_helper.to_array(t) for t in tensors}


def test_rounding_keeps_biases_and_changes_nothing_the_second_time():
    exact = listener_of(32)
    once = rounded(exact)
    for name, values in once.named_buffers():
        before = exact.get_buffer(name)
        if name.startswith(LEARNT) and not name.endswith("_bias"):
            assert not torch.equal(values, before), name
            # eleven bits, or the smallest step there is
            torch.testing.assert_close(values, before, rtol=2**-11, atol=2**-25)
        else:
            assert torch.equal(values, before), name
    for one, other in zip(once.buffers(), rounded(once).buffers(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("value", [1e5, float("nan")])
def test_numbers_that_cannot_be_stored_short_are_refused(value):
    broken = listener_of(8)
    broken.learnt("mix1")[2, 3] = value
    with pytest.raises(RuntimeError, match=r"learnt_mix1.*Train it again"):
        rounded(broken)


@needs_head
def test_networks_hold_learnt_matrices_in_half_the_space_and_speak_alike(tmp_path):
    exact, head = listener_of(48), load_head(HEAD_FILE)
    face = build_face(exact, head)
    export_networks(face, tmp_path, {})
    windowed, clip = stored(tmp_path / NETWORK), stored(tmp_path / CLIP_NETWORK)
    for name, values in face.listener.named_buffers():
        short = name.startswith(LEARNT) and not name.endswith("_bias") and values.numel() >= 1024
        for told in (windowed[name], clip[name]):
            assert told.dtype == (np.float16 if short else np.float32), name
            np.testing.assert_array_equal(told, values.numpy())
    for name, frames in ((NETWORK, 1), (CLIP_NETWORK, 5)):
        assert largest_difference(face, tmp_path / name, frames) < 5e-5
    face.listener = exact
    for name, frames in ((NETWORK, 1), (CLIP_NETWORK, 5)):
        assert 0.0 < largest_difference(face, tmp_path / name, frames) < 5e-3  # of centimetres


@needs_head
def test_more_channels_cost_two_bytes_a_number(tmp_path):
    head = load_head(HEAD_FILE)
    sizes, numbers = [], []
    for channels in (64, 128):
        face = build_face(listener_of(channels), head)
        export_windowed(face, tmp_path / NETWORK, {})
        sizes.append((tmp_path / NETWORK).stat().st_size)
        numbers.append(sum(values.numel() for values in face.listener.buffers()))
    assert sizes[1] - sizes[0] == pytest.approx(2 * (numbers[1] - numbers[0]), rel=0.02)


@needs_head
def test_a_network_stored_in_32_bits_is_read_too_and_written_anew_in_16(tmp_path):
    exact, head, recipe = listener_of(40), load_head(HEAD_FILE), read_recipe()
    face = build_face(exact, head)
    facts = {"dilations": DILATIONS}
    export_windowed(face, tmp_path / "new.onnx", facts)
    face.listener = exact  # no rounding: a file as it was before there was any
    export_windowed(face, tmp_path / "old.onnx", facts)
    assert {values.dtype for name, values in stored(tmp_path / "old.onnx").items()
            if name.startswith(LEARNT)} == {np.dtype(np.float32)}  # fmt: skip
    told = reload_listener(recipe, tmp_path / "old.onnx").listener
    for kept, written in zip(told.buffers(), exact.buffers(), strict=True):
        assert torch.equal(kept, written)
    for source in ("old.onnx", "new.onnx"):
        again = build_face(reload_listener(recipe, tmp_path / source).listener, head)
        export_windowed(again, tmp_path / "again.onnx", facts)
        assert (tmp_path / "again.onnx").read_bytes() == (tmp_path / "new.onnx").read_bytes()


@pytest.mark.parametrize(
    ("change", "dtype"), [({}, np.float16), ({5: 0.1}, np.float32), ({5: 7e4}, np.float32)]
)
def test_only_arrays_that_lose_nothing_are_stored_short(tmp_path, change, dtype):
    """One number that float16 cannot hold, too fine or too large, keeps the whole array."""
    onnxruntime = pytest.importorskip("onnxruntime")
    values = torch.arange(2048, dtype=torch.float32).reshape(64, 32) / 64
    for at, value in change.items():
        values[0, at] = value
    product = torch.nn.Linear(32, 64, bias=False)
    product.weight = torch.nn.Parameter(values)
    axes = {name: {0: "batch"} for name in ("x", "y")}
    x = torch.eye(32)
    write_onnx(product, tmp_path / "n.onnx", (x,), ["x"], "y", axes, {})
    assert stored(tmp_path / "n.onnx")["weight"].dtype == dtype
    session = onnxruntime.InferenceSession(
        str(tmp_path / "n.onnx"), providers=["CPUExecutionProvider"]
    )
    np.testing.assert_array_equal(session.run(["y"], {"x": x.numpy()})[0], values.T.numpy())
