# SPDX-License-Identifier: GPL-3.0-or-later
"""Readers of point caches, written from the formats' descriptions alone. Nothing of ours is used:
what they read is what another program would."""

from __future__ import annotations

import struct
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass
class Cache:
    """Frames (T, V, 3), the time of each (in the format's own measure), and what else is told."""

    points: np.ndarray
    times: np.ndarray
    more: dict


def read_pc2(path: Path) -> Cache:
    data = path.read_bytes()
    assert data[:12] == b"POINTCACHE2\0"
    version, count, start, rate, samples = struct.unpack_from("<iiffi", data, 12)
    assert version == 1
    assert len(data) == 32 + samples * count * 12
    points = np.frombuffer(data, "<f4", offset=32).reshape(samples, count, 3)
    return Cache(points, start + rate * np.arange(samples), {})


def read_mdd(path: Path) -> Cache:
    data = path.read_bytes()
    frames, count = struct.unpack_from(">ii", data)
    times = np.frombuffer(data, ">f4", frames, 8)
    points = np.frombuffer(data, ">f4", offset=8 + 4 * frames).reshape(frames, count, 3)
    return Cache(points, times, {})


def read_maya(xml_path: Path) -> Cache:
    """The cache that an XML file describes; the points lie beside it under the same name."""
    root = ET.parse(xml_path).getroot()
    assert root.tag == "Autodesk_Cache_File"
    told = {child.tag: child.attrib for child in root}
    assert told["cacheVersion"] == {"Version": "2.0"}
    assert told["cacheType"]["Type"] == "OneFile"
    ending = {"mcc": ".mc", "mcx": ".mcx"}[told["cacheType"]["Format"]]
    (channel,) = [child.attrib for child in root.find("Channels")]
    more: dict = {"channel": channel, "time": told["time"]["Range"]}
    more["per_frame"] = int(told["cacheTimePerFrame"]["TimePerFrame"])
    data = xml_path.with_suffix(ending).read_bytes()
    walk = _walk_wide if ending == ".mcx" else _walk
    chunks = list(walk(data))
    assert [tag for tag, _ in chunks[:4]] == [b"CACH", b"VRSN", b"STIM", b"ETIM"]
    assert chunks[1][1][:4] == b"0.1\0"
    (more["start"],), (more["end"],) = (struct.unpack(">i", body[:4]) for _, body in chunks[2:4])
    times, points = [], []
    for at in range(4, len(chunks), 5):
        kinds = [tag for tag, _ in chunks[at : at + 5]]
        assert kinds == [b"MYCH", b"TIME", b"CHNM", b"SIZE", b"FVCA"]
        _, time, name, size, body = (body for _, body in chunks[at : at + 5])
        assert name.rstrip(b"\0").decode() == channel["ChannelName"]
        times += struct.unpack(">i", time[:4])
        (count,) = struct.unpack(">I", size[:4])
        assert len(body) == 12 * count
        points.append(np.frombuffer(body, ">f4").reshape(count, 3))
    return Cache(np.array(points), np.array(times), more)


def _walk(data: bytes):
    """Chunks of .mc: a group's kind has no size, all others 32 bits, filled up to 4 bytes."""
    at = 0
    while at < len(data):
        tag, size = data[at : at + 4], struct.unpack_from(">I", data, at + 4)[0]
        assert tag == b"FOR4"
        end, at = at + 8 + size, at + 8
        assert end <= len(data)
        yield data[at : at + 4], b""
        at += 4
        while at < end:
            tag, size = data[at : at + 4], struct.unpack_from(">I", data, at + 4)[0]
            yield tag, data[at + 8 : at + 8 + size]
            at += 8 + (size + 3) // 4 * 4
        assert at == end


def _walk_wide(data: bytes):
    """Chunks of .mcx: 4 bytes and a size of 64 bits after a tag, filled up to 8 bytes."""
    at = 0
    while at < len(data):
        assert data[at : at + 4] == b"FOR8"
        end = at + 16 + struct.unpack_from(">Q", data, at + 8)[0]
        assert end <= len(data)
        yield data[at + 16 : at + 20], b""
        at += 20
        while at < end:
            tag, size = data[at : at + 4], struct.unpack_from(">Q", data, at + 8)[0]
            yield tag, data[at + 16 : at + 16 + size]
            at += 16 + (size + 7) // 8 * 8
        assert at == end


def read_obj(path: Path) -> tuple[np.ndarray, list[list[int]]]:
    """Vertices (V, 3), and the vertices of each face from 0."""
    vertices, faces = [], []
    for line in path.read_text("utf-8").splitlines():
        word, *rest = line.split()
        if word == "v":
            vertices.append([float(number) for number in rest])
        elif word == "f":
            faces.append([int(corner.split("/")[0]) - 1 for corner in rest])
    return np.array(vertices), faces
