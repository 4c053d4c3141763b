# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole character transfer without a window, for the command line and for scripts."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy

from ..core.errors import UserError
from ..properties.ids import find
from . import transfer_status as status
from .asking import Progress, part_of, wait_for
from .transfer_jobs import checked_setup

Tell = Callable[[float, str], None]


@dataclass(frozen=True)
class Order:
    """What to do. Without a ``driver`` the male template is added, without a ``setup`` file pairs
    are suggested; ``settings`` are iterations, stiffness and smooth_level where they differ from
    the setup's."""

    target: bpy.types.Object
    driver: bpy.types.Object | None = None
    open_mouth: bpy.types.Object | None = None
    parts: Mapping[str, bpy.types.Object] = field(default_factory=dict)
    others: tuple[bpy.types.Object, ...] = ()
    setup: Path | None = None
    settings: Mapping[str, float] = field(default_factory=dict)
    wrap: bool = False
    shapes: bool = True


@dataclass(frozen=True)
class Outcome:
    """What was done, and what is worth a look."""

    scene: bpy.types.Scene
    transfer_id: str
    sentence: str
    notices: tuple[str, ...]

    @property
    def transfer(self) -> Any:
        """The scene's character transfer."""
        return find(self.scene.facewright.transfers, self.transfer_id)

    def save_setup(self, path: Path) -> None:
        """Save the pairs and settings that were used. Raises UserError."""
        from ..core.retarget.setup_file import write_setup
        from ..scene.correspondences import setup_of

        write_setup(path, setup_of(self.transfer, path.stem))

    def save(self, path: Path) -> tuple[str, ...]:
        """Save the whole file (.blend) or the head (.usdc, .usd, .fbx); returns notices."""
        from ..scene.exports import Exported, save
        from .export_shapes import export_head

        if path.suffix.lower() == ".blend":
            return save(path, Exported(self.scene, (), 0, 0))
        return export_head(self.scene, self.transfer, str(path))


def run_transfer(scene: bpy.types.Scene, order: Order, progress: Tell | None = None) -> Outcome:
    """Do it all, waiting. Raises UserError and Cancelled; what was begun is then taken back."""
    if (order.driver is None) != (order.open_mouth is None):
        raise UserError(
            "Driver and OpenMouth mesh belong together.", "Name both, or neither for the template."
        )
    known = set(bpy.data.objects)
    transfer_id = _begun(scene, order)
    done = False
    try:
        outcome = wait_for(_all_steps(scene, order, transfer_id), progress)
        done = True
    finally:
        if not done:
            _take_back(scene, transfer_id, known)
    return outcome


def _take_back(scene: Any, transfer_id: str, known: set[bpy.types.Object]) -> None:
    """The scene as it was: what the user had, as an OpenMouth mesh or posed shape keys, stays."""
    from ..scene.transfer_meshes import remove_objects, show_again

    show_again(transfer_id)
    scene.facewright.remove_transfer(find(scene.facewright.transfers, transfer_id))
    remove_objects([obj for obj in bpy.data.objects if obj not in known])


def _begun(scene: Any, order: Order) -> str:
    """Make a new transfer with its meshes; returns its id."""
    from ..scene.template_head import add_open_mouth, add_template_head, free_place

    transfer = scene.facewright.add_transfer(order.target.name)
    transfer.target = order.target
    transfer.driver, transfer.open_mouth = order.driver, order.open_mouth
    if order.driver is None:
        head = add_template_head(scene.collection, free_place(scene, (0.0, 0.0, 0.0)))
        transfer.driver = head.skin
        transfer.open_mouth = add_open_mouth(head.skin, scene.collection)
    for name, obj in order.parts.items():
        setattr(transfer, name, obj)
    for obj in order.others:
        transfer.others.add().object = obj
    return str(transfer.id)


def _all_steps(scene: Any, order: Order, transfer_id: str) -> Generator[Progress, None, Outcome]:
    from .transfer_shapes import shapes_steps
    from .transfer_steps import fit_steps, suggest_steps
    from .transfer_wrap import wrap_steps

    notices: list[str] = []
    stages: list[tuple[Any, Any]] = []
    if order.setup is None:
        stages.append((suggest_steps, status.suggest_problem))
    else:
        _load(find(scene.facewright.transfers, transfer_id), order.setup)
    stages.append((fit_steps, status.fitting_problem))
    if order.wrap:
        stages.append((wrap_steps, status.wrap_problem))
    if order.shapes:
        stages.append((shapes_steps, status.wrap_problem))
    sentence = ""
    for place, (steps, problem) in enumerate(stages):
        transfer = find(scene.facewright.transfers, transfer_id)
        if steps is fit_steps:
            for name, value in order.settings.items():
                setattr(transfer, name, value)
        stage = steps(checked_setup(scene, transfer, problem))
        told = yield from part_of(stage, place / len(stages), 1 / len(stages))
        sentence = told.sentence
        notices += told.notices
    return Outcome(scene, transfer_id, sentence, tuple(dict.fromkeys(notices)))


def _load(transfer: Any, path: Path) -> None:
    from ..core.retarget.setup_file import read_setup
    from ..scene.correspondences import apply_setup

    apply_setup(transfer, read_setup(path), str(path))
