# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile and damaged JSON and npz files of all families: one sentence each, no memory taken."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
from facewright.core import limits
from facewright.core.errors import UserError
from facewright.core.models.model import read_index
from hostile import FAMILIES, JSON_FILES, LOAD, NPZ_FILES, refusal, spoiled


@pytest.fixture
def copies(families, tmp_path):
    """A function that gives a family's folder, to be spoiled."""
    return lambda family: spoiled(families, family, tmp_path)


@pytest.fixture(scope="module")
def bomb():
    """An npy member of 96 MB that packs to almost nothing."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.zeros((96 << 20) // 4, np.float32))
    return stream.getvalue()


def member_header(shape, descr="<f4"):
    stream = io.BytesIO()
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue()


def rewrite(path, name, data, compression=zipfile.ZIP_STORED, packed=zipfile.ZIP_STORED):
    """Replace one member of an npz by other bytes."""
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for member, content in members.items():
            if member != f"{name}.npy":
                archive.writestr(member, content)
        archive.writestr(f"{name}.npy", data, packed)


def form_of(path, name):
    with np.load(path) as npz:
        return npz[name]


# ---- JSON ---------------------------------------------------------------------------------------

JSON_CONTENTS = {
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep object": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "not a number": b'{"config": {"skin_strength": NaN}}',
    "infinite": b'{"a": -Infinity}',
    "beyond floats": b'{"a": 1e999}',
    "endless digits": b'{"a": ' + b"9" * 100_000 + b"}",
    "beyond 64 bits": b'{"a": 99999999999999999999}',
    "name twice": b'{"a": 1, "a": 2}',
    "cut off": b'{"id": {"type": "regr',
    "empty": b"",
    "a list": b"[1, 2]",
    "not UTF-8": b'{"a": "\xff\xfe"}',
    "too large": b'{"a": "' + b"x" * (limits.MAX_JSON_BYTES + 1) + b'"}',
}


@pytest.mark.parametrize("content", JSON_CONTENTS)
@pytest.mark.parametrize(("family", "name"), JSON_FILES)
def test_bad_json_is_refused_by_name(copies, family, name, content):
    folder = copies(family)
    (folder / name).write_bytes(JSON_CONTENTS[content])
    assert name in refusal(family, folder)


@pytest.mark.parametrize(("family", "name"), JSON_FILES)
def test_an_empty_object_is_refused_by_name(copies, family, name):
    folder = copies(family)
    (folder / name).write_text("{}")
    assert name in refusal(family, folder)


SECTIONS = [
    *((family, key) for family in ("regression", "diffusion") for key in ("id", "params")),
    *((family, "audio_params") for family in FAMILIES),
    ("emotion", "emotions"),
]


@pytest.mark.parametrize("value", [None, 3, "text", [], [1], {"type": "transport"}])
@pytest.mark.parametrize(("family", "key"), SECTIONS)
def test_sections_of_another_kind_never_get_through(copies, family, key, value):
    folder = copies(family)
    path = folder / "network_info.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    assert "network_info.json" in refusal(family, folder)


# ---- npz ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("family", "name", "array"), NPZ_FILES)
def test_pickles_are_never_loaded(copies, family, name, array):
    folder = copies(family)
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.array([{}], dtype=object), allow_pickle=True)
    rewrite(folder / name, array, stream.getvalue())
    message = refusal(family, folder)
    assert name in message
    assert "Python objects" in message


@pytest.mark.parametrize("shape", [(1 << 41,), (1 << 20, 1 << 20, 3), (1 << 62, 1 << 62)])
@pytest.mark.parametrize(("family", "name", "array"), NPZ_FILES)
def test_headers_that_claim_terabytes_allocate_nothing(copies, family, name, array, shape):
    folder = copies(family)
    rewrite(folder / name, array, member_header(shape) + bytes(1000))
    message = refusal(family, folder)
    assert name in message
    assert array in message


@pytest.mark.parametrize(("family", "name", "array"), NPZ_FILES)
def test_headers_that_lie_about_the_right_shape_are_refused(copies, family, name, array):
    folder = copies(family)
    shape = form_of(folder / name, array).shape
    rewrite(folder / name, array, member_header(shape) + bytes(8))
    assert "another size than its header says" in refusal(family, folder)


@pytest.mark.parametrize(("family", "name", "array"), NPZ_FILES)
def test_bombs_are_refused_before_unpacking(copies, bomb, family, name, array):
    folder = copies(family)
    rewrite(folder / name, array, bomb, packed=zipfile.ZIP_DEFLATED)
    assert (folder / name).stat().st_size < 4 << 20
    message = refusal(family, folder)
    assert name in message


@pytest.mark.parametrize(("family", "name", "array"), NPZ_FILES)
def test_a_member_much_larger_than_expected_is_refused_unread(copies, family, name, array):
    folder = copies(family)
    rewrite(folder / name, array, member_header((10 << 20,)) + bytes(40 << 20))
    assert "instead of" in refusal(family, folder)


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize(("family", "name", "array"), NPZ_FILES)
def test_other_ways_of_packing_are_refused(copies, family, name, array, compression):
    folder = copies(family)
    with zipfile.ZipFile(folder / name) as archive:
        data = archive.read(f"{array}.npy")
    rewrite(folder / name, array, data, packed=compression)
    assert "packed in a way" in refusal(family, folder)


@pytest.mark.parametrize("fill", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("family", "name", "array"), NPZ_FILES)
def test_values_that_are_no_numbers_are_refused(copies, family, name, array, fill):
    folder = copies(family)
    values = form_of(folder / name, array).copy()
    values.flat[-1] = fill
    stream = io.BytesIO()
    np.lib.format.write_array(stream, values)
    rewrite(folder / name, array, stream.getvalue())
    message = refusal(family, folder)
    assert array in message
    assert "not numbers" in message


@pytest.mark.parametrize("change", ["flat", "more", "integers", "text", "complex", "single"])
@pytest.mark.parametrize(("family", "name", "array"), NPZ_FILES)
def test_wrong_shapes_and_types_are_refused(copies, family, name, array, change):
    folder = copies(family)
    values = form_of(folder / name, array)
    spoiled = {
        "flat": values.reshape(-1),
        "more": np.concatenate([values, values], axis=-1),
        "integers": values.astype(np.int32),
        "text": values.astype("U8"),
        "complex": values.astype(np.complex64),
        "single": np.float32(1),
    }[change]
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asarray(spoiled))
    rewrite(folder / name, array, stream.getvalue())
    message = refusal(family, folder)
    assert name in message
    assert array in message


@pytest.mark.parametrize(
    "content", ["empty", "cut off", "text", "array missing", "header too long"]
)
@pytest.mark.parametrize(("family", "name", "array"), NPZ_FILES)
def test_damaged_files_are_refused(copies, family, name, array, content):
    folder = copies(family)
    path = folder / name
    whole = path.read_bytes()
    if content == "array missing":
        with zipfile.ZipFile(path) as archive:
            members = {info.filename: archive.read(info) for info in archive.infolist()}
        with zipfile.ZipFile(path, "w") as archive:
            for member in members.keys() - {f"{array}.npy"}:
                archive.writestr(member, members[member])
    elif content == "header too long":
        long = b"\x93NUMPY\x02\x00" + (30 << 20).to_bytes(4, "little") + b" " * (30 << 20)
        rewrite(path, array, long)
    else:
        spoiled = {"empty": b"", "cut off": whole[: len(whole) // 2], "text": b"no archive"}
        path.write_bytes(spoiled[content])
    assert name in refusal(family, folder)


# ---- anything -----------------------------------------------------------------------------------


def mutated(rng, data):
    """Some bytes of a file changed, left out or put in, more often near its ends."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 6)):
        reach = len(data) if rng.random() < 0.5 else min(400, len(data))
        at = int(rng.integers(reach))
        at = at if rng.random() < 0.7 else len(data) - 1 - at
        kind = rng.integers(4)
        if kind == 0:
            data[at] = rng.integers(256)
        elif kind == 1:
            del data[at : at + int(rng.integers(1, 40))]
        elif kind == 2:
            data[at:at] = rng.bytes(int(rng.integers(1, 12)))
        else:
            data[at : at + 1] = rng.choice([b"99999999999", b"-1", b"null", b"[]", b"1e308", b'"'])
        data = data or bytearray(b"x")
    return bytes(data)


@pytest.mark.parametrize("family", FAMILIES)
def test_spoiled_bytes_give_a_sentence_or_a_model_and_nothing_else(copies, family):
    folder = copies(family)
    rng = np.random.default_rng(20)
    files = sorted(folder.iterdir())
    sentences = []
    for _ in range(50):
        path = files[rng.integers(len(files))]
        whole = path.read_bytes()
        path.write_bytes(mutated(rng, whole))
        for look in (LOAD[family], read_index):
            try:
                look(folder)
            except UserError as error:
                sentences.append(error.message)
        path.write_bytes(whole)
    assert len(sentences) > 10
    assert not any("\n" in sentence for sentence in sentences)
