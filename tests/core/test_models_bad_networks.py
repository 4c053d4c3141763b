# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile and damaged networks and indexes of all families: one sentence each, no memory taken."""

from __future__ import annotations

import json
import os

import pytest
import stubs
from facewright.core import limits
from facewright.core.errors import UserError
from facewright.core.models.model import read_index
from hostile import FAMILIES, JSON_FILES, LOAD, NPZ_FILES, refusal, spoiled


@pytest.fixture
def copies(families, tmp_path):
    """A function that gives a family's folder, to be spoiled."""
    return lambda family: spoiled(families, family, tmp_path)


# ---- the network --------------------------------------------------------------------------------


def network_reading(location):
    node = stubs.onnx_node("Add", ["x", "w"], ["y"])
    tensor = stubs.onnx_external_tensor("w", 4, location)
    return stubs.onnx_model([node], [tensor], {"x": ("batch", 4)}, {"y": ("batch", 4)})


@pytest.mark.parametrize("location", ["../w.bin", "/etc/hostname", "sub/../../w.bin", "link.bin"])
@pytest.mark.parametrize("family", FAMILIES)
def test_external_data_outside_of_the_folder_is_refused(copies, family, location):
    folder = copies(family)
    (folder.parent / "w.bin").write_bytes(bytes(16))
    if location == "link.bin":
        os.symlink(folder.parent / "w.bin", folder / location)
    (folder / "network.onnx").write_bytes(network_reading(location))
    message = refusal(family, folder)
    assert "network.onnx" in message
    assert "outside of its folder" in message


@pytest.mark.parametrize("family", FAMILIES)
def test_external_data_through_a_linked_folder_is_refused(copies, family):
    folder = copies(family)
    (folder.parent / "elsewhere").mkdir()
    (folder.parent / "elsewhere" / "w.bin").write_bytes(bytes(16))
    os.symlink(folder.parent / "elsewhere", folder / "sub")
    (folder / "network.onnx").write_bytes(network_reading("sub/w.bin"))
    assert "outside of its folder" in refusal(family, folder)


@pytest.mark.parametrize("family", FAMILIES)
def test_external_data_that_is_missing_or_swells_is_refused(copies, family):
    folder = copies(family)
    (folder / "network.onnx").write_bytes(network_reading("w.bin"))
    assert "does not exist ('w.bin')" in refusal(family, folder)
    with (folder / "w.bin").open("wb") as stream:
        stream.truncate(limits.MAX_NETWORK_BYTES + 1)
    assert "too large with its data" in refusal(family, folder)


@pytest.mark.parametrize("family", FAMILIES)
def test_data_beside_the_network_is_part_of_the_hash(copies, family):
    folder = copies(family)
    (folder / "network.onnx").write_bytes(network_reading("w.bin"))
    (folder / "w.bin").write_bytes(bytes(16))
    before = LOAD[family](folder).sha256
    (folder / "w.bin").write_bytes(bytes(15) + b"\1")
    assert LOAD[family](folder).sha256 != before


@pytest.mark.parametrize(
    "content", ["empty", "cut off", "text", "no graph", "zeros", "tiny fields"]
)
@pytest.mark.parametrize("family", FAMILIES)
def test_networks_that_are_none_are_refused(copies, monkeypatch, family, content):
    folder = copies(family)
    path = folder / "network.onnx"
    whole = path.read_bytes()
    monkeypatch.setattr(limits, "MAX_NETWORK_FIELDS", 20_000)
    spoiled = {
        "empty": b"",
        "cut off": whole[: len(whole) // 2],
        "text": b"this is no network",
        "no graph": b"\x08\x08",
        "zeros": bytes(1000),
        "tiny fields": whole + b"\x08\x08" * 30_000,
    }
    path.write_bytes(spoiled[content])
    message = refusal(family, folder)
    assert "network.onnx cannot be read" in message


@pytest.mark.parametrize("family", FAMILIES)
def test_a_network_beyond_the_limit_is_refused_by_its_size_alone(copies, family):
    folder = copies(family)
    with (folder / "network.onnx").open("r+b") as stream:
        stream.truncate(limits.MAX_NETWORK_BYTES + 1)  # a hole: it takes no room on the disk
    assert "too large" in refusal(family, folder)


# ---- missing and foreign files ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "name"),
    [*JSON_FILES, *((f, n) for f, n, _ in NPZ_FILES), *((f, "network.onnx") for f in FAMILIES)],
)
@pytest.mark.parametrize("instead", ["nothing", "folder", "broken link"])
def test_each_missing_file_is_named(copies, family, name, instead):
    folder = copies(family)
    (folder / name).unlink()
    if instead == "folder":
        (folder / name).mkdir()
    elif instead == "broken link":
        os.symlink(folder / "gone", folder / name)
    assert name in refusal(family, folder)
    with pytest.raises(UserError, match=name.replace(".", r"\.")):
        read_index(folder)


@pytest.mark.parametrize(
    "place",
    ["../outside", "/etc/hostname", "C:\\x", "a\\..\\..\\b", "", None, 3, "\ud800", "a\nb", "."],
)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_index_names_files_of_its_folder_alone(copies, family, place):
    folder = copies(family)
    path = folder / "model.json"
    index = json.loads(path.read_text())
    for key in index:
        if key == "emotionDatabasePath" and not place:
            continue  # a model may do without
        if key == "blendshapePaths":
            spoiled = {"skin": {"data": place, "config": "bs_skin_config.json"}}
            value = spoiled if family == "regression" else [spoiled, {}, {}]
        else:
            value = [place] * 3 if isinstance(index[key], list) else place
        path.write_text(json.dumps({**index, key: value}))
        assert "model.json" in refusal(family, folder)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_folder_of_links_as_download_caches_make_it_is_read(families, tmp_path, family):
    for file in families[family].iterdir():
        os.symlink(file, tmp_path / file.name)
    assert LOAD[family](tmp_path).sha256 == LOAD[family](families[family]).sha256


@pytest.mark.parametrize("family", FAMILIES)
def test_folders_that_are_none_are_one_sentence_with_a_way_out(tmp_path, family):
    (tmp_path / "file").write_text("")
    for folder, says in (("none", "does not exist"), ("file", "is a file"), (".", "no model.json")):
        assert says in refusal(family, tmp_path / folder)
