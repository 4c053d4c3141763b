# SPDX-License-Identifier: GPL-3.0-or-later
"""Licences of what the extension carries, and the notices that go with it."""

from __future__ import annotations

from email.message import Message
from typing import Dict, Iterable, NamedTuple, Set, Tuple

from .places import ROOT

NOTICES = ROOT / "LICENSES" / "THIRD-PARTY.md"

# Wheels that name their licence in older metadata, by the first line of that field
OLD_NAMES = {
    "MIT License": "MIT",
    "Apache 2.0": "Apache-2.0",
    "3-Clause BSD License": "BSD-3-Clause",
    "BSD 3-Clause License": "BSD-3-Clause",
    # scipy puts the whole text there, which is the three-clause one
    "Copyright (c) 2001-2002 Enthought, Inc. 2003-2024, SciPy Developers.": "BSD-3-Clause",
    "Copyright (c) 2001-2002 Enthought, Inc. 2003, SciPy Developers.": "BSD-3-Clause",
}

# May be combined with GPL-3.0-or-later code
COMPATIBLE = {
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "LGPL-2.1-or-later",
    "MIT",
    "MIT-0",
    "PSF-2.0",
}

# Libraries that lie compiled inside a wheel: name, licence, where the wheel keeps the text
INSIDE: Dict[str, Tuple[Tuple[str, str, str], ...]] = {
    "onnxruntime": (
        (
            "its many components",
            "MIT, BSD, Apache-2.0 and others",
            "onnxruntime/ThirdPartyNotices.txt",
        ),
    ),
    "scipy": (
        ("OpenBLAS and LAPACK", "BSD-3-Clause", "dist-info/LICENSE.txt"),
        ("the GCC runtime", "GPL-3.0-or-later WITH GCC-exception-3.1", "dist-info/LICENSE.txt"),
    ),
    "sounddevice": (
        ("PortAudio", "MIT", "_sounddevice_data/portaudio-binaries/README.md"),
        (
            "ASIO by Steinberg, in the Windows libraries named -asio, which are never loaded",
            "not told in the wheel",
            "_sounddevice_data/portaudio-binaries/README.md",
        ),
    ),
    "soundfile": (
        ("libsndfile", "LGPL-2.1-or-later", "_soundfile_data/COPYING"),
        ("mpg123 and LAME", "LGPL-2.1-or-later", "licensing/license_notes.md"),
        ("FLAC, Ogg, Vorbis and Opus", "BSD-3-Clause", "licensing/license_notes.md"),
    ),
}


class Data(NamedTuple):
    """Data that is carried beside the code, and the words by which a page licenses it."""

    path: str
    licence: str
    origin: str
    page: str
    words: str


DATA = (
    Data(
        "assets/head.npz",
        "CC0-1.0",
        "made from data of MakeHuman",
        "assets/LICENSE-head.txt",
        "CC0 1.0 Universal",
    ),
    Data(
        "assets/sample_target.npz",
        "Apache-2.0",
        "made from data of MakeHuman (CC0-1.0) and the topology of SOMA-X",
        "assets/LICENSE-sample-target.txt",
        "Apache License, Version 2.0",
    ),
    Data(
        "models/facewright",
        "GPL-3.0-or-later",
        "trained for this project",
        "models/facewright/README.md",
        "Licence of this folder: GPL-3.0-or-later",
    ),
    Data(
        "models/facewright-emotion",
        "GPL-3.0-or-later",
        "trained for this project on recordings of EmoDB (CC0), which are not in it",
        "models/facewright-emotion/README.md",
        "Licence of this folder: GPL-3.0-or-later",
    ),
    Data(
        "assets/sample_voice.flac",
        "CC0-1.0",
        "made for this project",
        "assets/sample_voice.md",
        "CC0-1.0",
    ),
)


class Unclear(Exception):
    """A licence that a person has to look at."""


def of_wheel(info: Message) -> str:
    """SPDX expression of a wheel, from its METADATA."""
    if info["License-Expression"]:
        return str(info["License-Expression"])
    first = str(info["License"] or "").strip().splitlines()[:1]
    if first and first[0].strip() in OLD_NAMES:
        return OLD_NAMES[first[0].strip()]
    raise Unclear(f"{info['Name']} {info['Version']} has an unknown licence: {first}")


def check(name: str, licence: str, declared: Set[str]) -> None:
    """One alternative of the licence has to be usable together with the extension's own."""
    for alternative in licence.split(" OR "):
        if set(alternative.strip("()").split(" AND ")) <= COMPATIBLE | declared:
            return
    raise Unclear(f"{name} is under {licence}, which is neither declared nor known as compatible.")


def data_licences() -> Dict[str, str]:
    """Licence of each piece of data that is there, as the page beside it says."""
    present = [data for data in DATA if (ROOT / data.path).exists()]
    for data in present:
        if data.words not in (ROOT / data.page).read_text(encoding="utf-8"):
            raise Unclear(f"{data.page} does not say that {data.path} is under {data.licence}.")
    return {data.path: data.licence for data in present}


def notices(packages: Iterable[Tuple[str, str, str]]) -> str:
    """The text of LICENSES/THIRD-PARTY.md."""
    lines = [
        "# What Facewright carries of others",
        "",
        "Written by `tools/wheels.py lock`. Facewright's own code: GPL-3.0-or-later (LICENSE).",
        "",
        "## Libraries",
        "Each is an unmodified wheel, with the full text of its licence inside; the text of",
        "Apache-2.0 (flatbuffers carries none) lies beside this page.",
        "",
        "| package | version | licence |",
        "|---|---|---|",
    ]
    listed = list(packages)
    lines += [f"| {name} | {version} | {licence} |" for name, version, licence in listed]
    lines += ["", "Compiled into them:", "", "| in | library | licence | text in the wheel |"]
    lines += ["|---|---|---|---|"]
    for name in sorted({name for name, _, _ in listed}):
        for library, licence, place in INSIDE.get(name, ()):
            lines.append(f"| {name} | {library} | {licence} | {place} |")
    lines += ["", "## Data", "", "| path | licence | origin | told in |", "|---|---|---|---|"]
    lines += [f"| {d.path} | {d.licence} | {d.origin} | {d.page} |" for d in DATA]
    return "\n".join(lines) + "\n"
