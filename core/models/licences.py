# SPDX-License-Identifier: GPL-3.0-or-later
"""Terms of the models that a user may bring, as the library shows them before first use.

Facewright ships none of these models. Its own model and those that users train themselves come
without terms of others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from .. import limits

if TYPE_CHECKING:
    from .files import FolderFiles


@dataclass(frozen=True)
class Licence:
    """Terms of a model.

    ``key``         short name, stays the same: what a user accepted is remembered by it
    ``url``         where the whole text is to be read: the model's own page
    ``notice``      what to show, in a few sentences
    ``restricted``  whether it is for some purposes only, and never downloaded for the user
    """

    key: str
    title: str
    url: str
    notice: str
    restricted: bool


_HUB = "https://huggingface.co/nvidia"
OPEN_MODEL = Licence(
    key="nvidia-open-model-license",
    title="NVIDIA Open Model License",
    url=f"{_HUB}/Audio2Face-3D-v3.0",
    notice="Licensed by NVIDIA Corporation under the NVIDIA Open Model License",
    restricted=False,
)
AUDIO2EMOTION = Licence(
    key="nvidia-audio2emotion-license",
    title="License Agreement for NVIDIA Audio2Emotion Model for Use with Audio2Face Project",
    url=f"{_HUB}/Audio2Emotion-v2.2",
    notice=(
        "Licensed by NVIDIA Corporation for use with the Audio2Face project only, and not for "
        "emotion recognition. Accept the agreement on the model's page and download it there "
        "yourself; it may not be passed on."
    ),
    restricted=True,
)
LICENCES = (OPEN_MODEL, AUDIO2EMOTION)

# The published models, by their actor or people (lower case)
_PAGES = {
    "mark": "Audio2Face-3D-v2.3-Mark",
    "claire": "Audio2Face-3D-v2.3.1-Claire",
    "james": "Audio2Face-3D-v2.3.1-James",
    "multi": "Audio2Face-3D-v3.0",
}
_OURS = "facewright"  # actor of the models that come with Facewright
_TERMS = ("license", "licence", "notice", "copying")
_NAMES = (b"nvidia open model license", b"nvidia-open-model-license")


def licence_of(folder: str | Path) -> Licence | None:
    """Terms of the model in a folder; None for our own and users' own. Raises UserError."""
    from .files import find_files

    return licence_for(find_files(Path(folder)))


def licence_for(files: FolderFiles) -> Licence | None:
    """Terms of a folder whose index was read already."""
    if files.family == "emotion":
        return None if files.actor.casefold() == _OURS else AUDIO2EMOTION
    page = known_model(files)
    if page:
        return replace(OPEN_MODEL, url=f"{_HUB}/{page}")
    return OPEN_MODEL if _names_the_licence(files.folder) else None


def known_model(files: FolderFiles) -> str:
    """Name of the published face model that a folder holds or was made from, else empty."""
    if files.family == "diffusion":
        people = {name.casefold() for name in files.identities}
        ours = files.actor.casefold() == "multi" or people <= {"claire", "james", "mark"}
        return _PAGES["multi"] if ours else ""
    if files.family == "regression":
        for name in (files.actor, *files.identities):
            if name.casefold() in _PAGES:
                return _PAGES[name.casefold()]
    return ""


def _names_the_licence(folder: Path) -> bool:
    """Whether a file of terms beside the model, or the head of its card, names NVIDIA's licence."""
    try:
        for path in sorted(folder.iterdir())[: limits.MAX_HUB_FILES]:
            name = path.name.casefold()
            card = name == "readme.md"
            if not (card or name.startswith(_TERMS)) or not path.is_file():
                continue
            with path.open("rb") as stream:
                text = stream.read(limits.MAX_LICENCE_BYTES).lower()
            if card:  # the block of metadata between two lines of dashes; the rest only tells
                text = text.split(b"---", 2)[1] if text.startswith(b"---") else b""
            if any(words in b" ".join(text.split()) for words in _NAMES):
                return True
    except OSError:
        return False  # who cannot look into the folder cannot load it either
    return False
