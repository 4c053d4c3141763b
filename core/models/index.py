# SPDX-License-Identifier: GPL-3.0-or-later
"""A cheap look at a model folder, for the library: JSON and file sizes, no array and no network.

Safe in Blender's process and quick enough for a panel that looks once per folder.
"""

from __future__ import annotations

import stat
from pathlib import Path

from ..errors import UserError
from .files import FolderFiles, find_files
from .info import read_emotion_labels, read_network_info
from .licences import known_model, licence_for
from .model import ModelIndex, NetworkInfo

_GIB = 1 << 30

# Published figures of what a model takes on a GPU
_MEMORY_GIB = {
    "Audio2Face-3D-v3.0": 4.4,
    "Audio2Face-3D-v2.3-Mark": 3.0,
    "Audio2Face-3D-v2.3.1-Claire": 2.9,
    "Audio2Face-3D-v2.3.1-James": 2.9,
}
# For the others: what a runtime takes by itself, and weights with the memory to run them
_RUNTIME_BYTES = _GIB // 4
_NETWORK_SHARE = 2.0

_GOOD_AT = {
    "claire": "Calmer, and best for Mandarin",
    "james": "Strong articulation",
    "mark": "Expressive",
}
_GOOD_AT_MODEL = {
    "Audio2Face-3D-v3.0": "Better emotion and non-verbal sounds",
    "Audio2Face-3D-v2.3-Mark": "Expressive; well tested at 30 frames per second",
    "Audio2Face-3D-v2.3.1-Claire": (
        "Calmer, and best for Mandarin; well tested at 30 frames per second"
    ),
    "Audio2Face-3D-v2.3.1-James": "Strong articulation; well tested at 30 frames per second",
}
_GOOD_AT_FAMILY = {"emotion": "Finds the emotion in a voice"}


def read_model_index(folder: Path) -> ModelIndex:
    """Look at a folder of any family. Raises UserError for what ``load_model`` would refuse early.

    Each file that the index names has to be there; none but JSON is opened.
    """
    files = find_files(folder)
    info = None if files.family == "emotion" else read_network_info(files)
    emotions = read_emotion_labels(files) if info is None else info.emotions
    paths = files.paths()
    sizes = {path: _size(path) for path in paths}
    known = known_model(files)
    published = _MEMORY_GIB.get(known)
    estimate = _estimate(files, info, sizes)
    return ModelIndex(
        folder=folder,
        family=files.family,
        name=files.name,
        actor=files.actor,
        version=files.version,
        identities=files.identities,
        emotions=emotions,
        files=paths,
        fps=None if info is None else info.fps,
        size_bytes=sum(sizes.values()),
        memory_bytes=estimate if published is None else round(published * _GIB),
        memory_known=published is not None,
        good_at=_GOOD_AT_MODEL.get(known) or _GOOD_AT_FAMILY.get(files.family, ""),
        people_good_at=_people_good_at(files.identities),
        licence=licence_for(files),
        skin_vertices=info.skin_vertices if info else 0,
        tongue_vertices=info.tongue_vertices if info else 0,
    )


def good_at(identity: str) -> str:
    """What a known person of the published models is good at, else empty."""
    return _GOOD_AT.get(identity.casefold(), "")


def _people_good_at(identities: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """What the known ones of several people are good at; of one, the model's own sentence says."""
    several = identities if len(identities) > 1 else ()
    return tuple((person, good_at(person)) for person in several if good_at(person))


def _size(path: Path) -> int:
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        raise UserError(f"{path} does not exist.", "Download the model again.") from error
    if not stat.S_ISREG(found.st_mode):
        raise UserError(f"{path} is not a file.", "Download the model again.")
    return found.st_size


def _estimate(files: FolderFiles, info: NetworkInfo | None, sizes: dict[Path, int]) -> int:
    """About what a model takes on the device, from the sizes of its files."""
    total = _RUNTIME_BYTES + int(_NETWORK_SHARE * sum(sizes[path] for path in files.networks))
    if files.people and files.people[0].data is not None:
        total += sizes[files.people[0].data]
    if info is not None and info.diffusion is not None:
        # Noise goes in and motion comes out, both of every step, frame and channel
        frames = info.diffusion.frames * info.channels
        total += 4 * frames * (info.diffusion.steps + 2)
    return total
