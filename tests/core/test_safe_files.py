# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile and damaged JSON, npz and ONNX files: the rows of the anchors' table."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile

import numpy as np
import pytest
import stubs
from facewright.core import limits
from facewright.core.errors import UserError
from facewright.core.models import onnx_header
from facewright.core.safe_files import ArrayForm, NpzReader, parse_json, read_json


def npy(values, **options):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, values, **options)
    return stream.getvalue()


def npz(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def read(path, name="a", shape=(None,)):
    with NpzReader(path) as reader:
        return reader.floats(name, shape)


# ---- JSON ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a": NaN}', "NaN"),
        ('{"a": -Infinity}', "Infinity"),
        ('{"a": 1e999}', "1e999"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "'c' appears twice"),
        ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
        ('{"a":' * 50 + "1" + "}" * 50, "nested too deeply"),
        ('{"a": ' + "9" * 100_000 + "}", "x.json"),
        ('{"a": 1', "x.json is not valid JSON"),
        ("", "x.json is not valid JSON"),
    ],
)
def test_json_that_python_would_accept_or_choke_on_is_refused(text, says):
    with pytest.raises(UserError, match=says):
        parse_json(text.encode(), "x.json")


def test_brackets_and_quotes_inside_of_texts_are_no_nesting():
    value = {"a": "[" * 200 + '\\"' + "{" * 200, "b": ["\\", '"[', [1.5, "ü"]]}
    assert parse_json(json.dumps(value).encode(), "x") == value
    assert parse_json(b"\xef\xbb\xbf{}", "x") == {}


def test_json_files_have_a_size_limit_and_an_object_on_top(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("[1]")
    with pytest.raises(UserError, match=r"a\.json has to hold a JSON object"):
        read_json(path)
    path.write_text('{"a": "' + "x" * 1000 + '"}')
    with pytest.raises(UserError, match="too large"):
        read_json(path, limit=500)
    path.write_bytes(b'{"a": "\xff"}')
    with pytest.raises(UserError, match="not valid JSON"):
        read_json(path)
    with pytest.raises(UserError, match="does not exist"):
        read_json(tmp_path / "none.json")
    with pytest.raises(UserError, match="not a file"):
        read_json(tmp_path)


# ---- npz ----------------------------------------------------------------------------------------


def test_arrays_come_back_as_float32_in_c_order(tmp_path):
    values = np.arange(6.0).reshape(2, 3).T
    np.savez_compressed(tmp_path / "a.npz", a=values, half=values.astype(np.float16))
    with NpzReader(tmp_path / "a.npz") as reader:
        for name in ("a", "half"):
            found = reader.floats(name, (3, None))
            np.testing.assert_array_equal(found, values)
            assert found.dtype == np.float32
            assert found.flags.c_contiguous


def test_pickled_objects_are_refused_without_being_loaded(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.array([{}], dtype=object))
    with pytest.raises(UserError, match="Python objects"):
        read(tmp_path / "a.npz")


def test_a_header_that_claims_terabytes_allocates_nothing(tmp_path):
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        head, {"descr": "<f4", "fortran_order": False, "shape": (1 << 41,)}
    )
    path = npz(tmp_path / "a.npz", [("a.npy", head.getvalue() + bytes(100))])
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match="another size than its header says"):
            read(path)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_bombs_are_refused_before_unpacking(tmp_path):
    member = npy(np.zeros((96 << 20) // 4, np.float32))
    path = npz(tmp_path / "a.npz", [("a.npy", member)], zipfile.ZIP_DEFLATED)
    del member
    assert path.stat().st_size < 1 << 20
    with pytest.raises(UserError, match="would unpack to"):
        NpzReader(path)
    with pytest.raises(UserError, match="too large"):
        NpzReader(path, limit=1 << 20)


def test_honest_zeros_are_no_bomb(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros(1_000_000, np.float32))
    assert not read(tmp_path / "a.npz").any()


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.zeros((2, 3), np.float32), "shape 2 x 3 instead of 3 x any"),
        (np.zeros(3, np.float32), "shape 3 instead of 3 x any"),
        (np.zeros((3, 1), np.int32), "type int32"),
        (np.full((3, 1), np.nan, np.float32), "not numbers"),
        (np.full((3, 1), np.inf), "not numbers"),
        (np.zeros((3, 1), np.complex64), "type complex64"),
    ],
)
def test_arrays_of_another_form_are_refused_by_name(tmp_path, values, says):
    np.savez(tmp_path / "a.npz", a=values)
    with pytest.raises(UserError, match=rf"a\.npz: the array 'a'.*{says}"):
        read(tmp_path / "a.npz", shape=(3, None))


def test_damaged_archives_are_refused(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, a=np.random.default_rng(0).normal(size=5000))
    whole = path.read_bytes()
    for content in (b"", b"PK\x03\x04", whole[: len(whole) // 2], b"no zip at all"):
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"a\.npz is not a readable npz"):
            NpzReader(path)
    at = whole.index(b"PK\x01\x02") + 6  # version needed to unpack it: 17.5
    future = whole[:at] + b"\xaf\x00" + whole[at + 2 :]
    path.write_bytes(future)
    with pytest.raises(UserError, match="not a readable npz"):
        NpzReader(path)
    spoiled = bytearray(whole)
    spoiled[2000:2100] = bytes(100)
    path.write_bytes(spoiled)
    with pytest.raises(UserError, match="cannot be read"):
        read(path)
    with pytest.raises(UserError, match="does not exist"):
        NpzReader(tmp_path / "none.npz")


def test_missing_doubled_and_foreign_members_are_refused(tmp_path):
    data = npy(np.zeros(3, np.float32))
    with pytest.raises(UserError, match="'b' is missing"):
        read(npz(tmp_path / "a.npz", [("a.npy", data)]), "b")
    with pytest.warns(UserWarning, match="Duplicate"):
        npz(tmp_path / "b.npz", [("a.npy", data), ("a.npy", data)])
    with pytest.raises(UserError, match="'a' twice"):
        NpzReader(tmp_path / "b.npz")
    with pytest.raises(UserError, match="cannot be read"):
        read(npz(tmp_path / "c.npz", [("a.npy", b"not an array")]))
    many = [(f"{k}.npy", b"") for k in range(limits.MAX_NPZ_ENTRIES + 1)]
    with pytest.raises(UserError, match="too many"):
        NpzReader(npz(tmp_path / "d.npz", many))


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), 'x': (",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (3L, 'unterminated)}",
        b"{'descr': [[]], 'fortran_order': False, 'shape': (3,)}",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (-3,)}",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': ('a',)}",
        b"((" * 2000,
        b"\x00\x1b",
    ],
)
def test_headers_that_are_no_description_are_refused(tmp_path, header):
    member = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(12)
    with pytest.raises(UserError, match=r"a\.npz: the array 'a'"):
        read(npz(tmp_path / "a.npz", [("a.npy", member)]))


def test_texts_may_be_bytes_or_unicode(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.array([b"joy", b"fear"]), b=np.array(["jöy"]),
             c=np.array([b"\xff"]))  # fmt: skip
    with NpzReader(tmp_path / "a.npz") as reader:
        assert reader.texts("a") == ("joy", "fear")
        assert reader.texts("b") == ("jöy",)
        with pytest.raises(UserError, match="UTF-8"):
            reader.texts("c")
        with pytest.raises(UserError, match="type"):
            reader.read("a", ArrayForm("iu", (None,)))


# ---- ONNX ---------------------------------------------------------------------------------------


def network_with_external(location):
    node = stubs.onnx_node("Add", ["x", "w"], ["y"])
    tensor = stubs.onnx_external_tensor("w", 4, location)
    return stubs.onnx_model([node], [tensor], {"x": ("batch", 4)}, {"y": ("batch", 4)})


def test_external_data_is_found_in_initialisers_and_nowhere_else(stub):
    assert onnx_header.external_locations((stub.folder / "network.onnx").read_bytes()) == ()
    assert onnx_header.external_locations(network_with_external("w.bin")) == ("w.bin",)


@pytest.mark.parametrize(
    "location", ["../secret.bin", "/etc/hostname", "a/../../b", "", "link.bin"]
)
def test_external_data_outside_of_the_folder_is_refused(tmp_path, location):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "link.bin").symlink_to("/etc/hostname")
    path = folder / "network.onnx"
    path.write_bytes(network_with_external(location))
    with pytest.raises(UserError, match="outside of its folder"):
        onnx_header.check_network_file(path, limits.MAX_NETWORK_BYTES)
    path.write_bytes(network_with_external("weights.bin"))
    with pytest.raises(UserError, match="names a file of data that does not exist"):
        onnx_header.check_network_file(path)
    (folder / "weights.bin").write_bytes(bytes(16))
    assert onnx_header.check_network_file(path) == (folder / "weights.bin",)
    with pytest.raises(UserError, match="too large with its data"):
        onnx_header.check_network_file(path, path.stat().st_size + 8)


def test_files_that_are_no_network_are_refused(tmp_path, stub):
    path = tmp_path / "network.onnx"
    good = (stub.folder / "network.onnx").read_bytes()
    contents = [b"", b"text, not a network", good[: len(good) // 2], b"\x08\x08", bytes(100)]
    for content in contents:
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"network\.onnx cannot be read"):
            onnx_header.check_network_file(path, limits.MAX_NETWORK_BYTES)
    path.write_bytes(good)
    with pytest.raises(UserError, match="too large"):
        onnx_header.check_network_file(path, 100)
    with pytest.raises(UserError, match="does not exist"):
        onnx_header.check_network_file(tmp_path / "none.onnx", 100)


def test_the_stubs_network_is_a_valid_onnx_model(stub):
    onnx = pytest.importorskip("onnx")
    model = onnx.load(str(stub.folder / "network.onnx"))
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version == 8
    assert model.opset_import[0].version == 14
