# SPDX-License-Identifier: GPL-3.0-or-later
"""A pipeline, what Audio2Face calls a core: a network with all its settings.

It is fed by one player and drives any number of characters.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    EnumProperty,
    FloatVectorProperty,
    PointerProperty,
    StringProperty,
)

from ..core.parameters import EMOTION_NAMES
from ..core.take_label import BOTH, SHAPE_KEYS, VERTICES
from . import parameters
from .changes import tell, telling
from .emotion import FACEWRIGHT_PG_emotion
from .library import BUILT_IN_EMOTION, defaults, folder_path, look, preferences
from .links import link
from .model_choice import chooser, problem, terms_missing
from .names import unique_name
from .paths import RELATIVE
from .take import FACEWRIGHT_PG_takes

NO_SHOT = "MODEL"


def people_of(pipeline: Any) -> tuple[str, ...]:
    """The identities of the pipeline's model, as its folder lists them; none for the built-in."""
    if not pipeline.model_text:
        return ()
    index = look(pipeline.model_folder).index
    return index.identities if index else ()


def models_problem(pipeline: Any) -> str:
    """Why the pipeline's models cannot be used, as one sentence; empty when they can."""
    found = problem(pipeline.model_text, emotion=False)
    if not found and pipeline.detects:
        found = problem(pipeline.emotion_model_text, emotion=True)
    if found:
        return found
    folder = folder_without_terms(pipeline)
    return f"The terms of {Path(folder).name} are not accepted yet" if folder else ""


def folder_without_terms(pipeline: Any) -> str:
    """The first of the pipeline's models whose terms are still to be accepted; empty for none."""
    folders = [pipeline.model_text]
    if pipeline.detects:
        folders.append(pipeline.emotion_model_text)
    return next((folder for folder in folders if terms_missing(folder)), "")


@lru_cache(maxsize=16)
def _person_items(people: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """Blender keeps no reference to the texts of an enum, so somebody has to."""
    return [(name, name, f"The face moves as {name} does") for name in people]


def people_items(self: Any, _context: Any = None) -> list[tuple[str, str, str]]:
    """The items of the drop-down of identities."""
    return _person_items(people_of(self)) or [("-", "-", "This model has one identity")]


def _get_person(self: Any) -> int:
    people = people_of(self)
    return people.index(self.identity) if self.identity in people else 0


def _set_person(self: Any, place: int) -> None:
    people = people_of(self)
    self.identity = people[place] if place < len(people) else ""


@lru_cache(maxsize=16)
def _shot_items(shots: tuple[tuple[str, int], ...]) -> list[tuple[str, str, str]]:
    own = (NO_SHOT, "Model's Own", "The default expression that the model itself names")
    return [own, *((f"SHOT_{at}", name, f"{n} frames") for at, (name, n) in enumerate(shots))]


def shot_items(self: Any, _context: Any = None) -> list[tuple[str, str, str]]:
    """The items of the drop-down of source shots."""
    return _shot_items(self.shots)


def _get_shot(self: Any) -> int:
    names = [name for name, _count in self.shots]
    return names.index(self.source_shot) + 1 if self.source_shot in names else 0


def _set_shot(self: Any, place: int) -> None:
    names = [name for name, _count in self.shots]
    self.source_shot = names[place - 1] if 0 < place <= len(names) else ""


SACCADE_DATA = (
    ("MODEL", "Model's Own", "The darts that the model's folder holds"),
    ("CALM", "Calm", "Few and small darts"),
    ("ATTENTIVE", "Attentive", "Small darts around whom one looks at"),
    ("LIVELY", "Lively", "Many darts of middle size"),
    ("NERVOUS", "Nervous", "Quick and frequent darts"),
    ("THINKING", "Thinking", "Wide looks aside and up"),
    ("READING", "Reading", "Along lines, and back to the next"),
    ("STILL", "Still", "No darts"),
)


def _set_saccade_data(self: Any, place: int) -> None:
    self.saccade_pattern = place


class FACEWRIGHT_PG_pipeline(bpy.types.PropertyGroup):
    """A network with its settings; its name is ``name``"""

    name: unique_name("What the pipeline is called", "pipelines", "Core")
    id: StringProperty(name="Id", description="What characters and takes know the pipeline by")
    player_id: StringProperty(name="Player", description="Id of the player that feeds it")
    player: link(
        "Player", "The audio player that feeds this pipeline", "player_id", "players", "SPEAKER"
    )
    solo: BoolProperty(
        name="Solo",
        description="Only this one is heard, and animated where all would be",
        default=False,
        update=telling("solo"),
    )
    model: StringProperty(
        name="Model",
        description="Folder of a model in Audio2Face-3D's format; empty is the preferred one",
        subtype="DIR_PATH",
        options=RELATIVE,
        update=telling("model"),
    )
    model_choice: chooser("Model", "Which model moves the face", emotion=False)
    identity: StringProperty(
        name="Identity",
        description="Person of the model; empty is the first",
        update=telling("identity"),
    )
    person: EnumProperty(
        name="Identity",
        description="Which person of the model moves",
        items=people_items,
        get=_get_person,
        set=_set_person,
    )
    source_shot: StringProperty(
        name="Source Shot",
        description="Default expression from the model's database; empty takes the model's own",
        update=telling("source_shot"),
    )
    shot: EnumProperty(
        name="Source Shot",
        description="Expression of the model's database that is the face's default pose",
        items=shot_items,
        get=_get_shot,
        set=_set_shot,
    )
    saccade_data: EnumProperty(
        name="Eye Saccade Data",
        description="Pattern of the small darts of the eyes",
        items=SACCADE_DATA,
        default="MODEL",
        get=lambda self: int(self.saccade_pattern),
        set=_set_saccade_data,
    )
    emotion: PointerProperty(type=FACEWRIGHT_PG_emotion)
    takes: PointerProperty(type=FACEWRIGHT_PG_takes)
    detect_emotion: EnumProperty(
        name="Emotion From",
        description="What the face feels: what the emotion timeline says, or what is heard",
        items=(
            ("OFF", "Timeline", "The strengths of the emotion panel and their keys"),
            ("FRAMES", "Voice", "Follow the voice frame by frame, as a live session does"),
        ),
        default="OFF",
        update=telling("detect_emotion"),
    )
    emotion_model: StringProperty(
        name="Emotion Model",
        description="Folder of an Audio2Emotion model; empty is that of the preferences, or the "
        "built-in one",
        subtype="DIR_PATH",
        options=RELATIVE,
        update=telling("emotion_model"),
    )
    emotion_choice: chooser(
        "Emotion Model", "Which Audio2Emotion model reads emotion from the voice", emotion=True
    )
    preferred: FloatVectorProperty(
        name="Preferred Emotion",
        description="Emotion that is mixed in throughout",
        size=len(EMOTION_NAMES),
        min=0.0,
        max=1.0,
        default=(0.0,) * len(EMOTION_NAMES),
    )
    has_preferred: BoolProperty(
        name="Preferred Emotion Is Set", description="Whether a preferred emotion was loaded"
    )
    auto_generate: BoolProperty(
        name="Generate on Track Change",
        description="Read the emotion from the voice by itself when the voice changes",
        default=False,
    )

    output: EnumProperty(
        name="Output",
        description="What an animated face moves by",
        items=(
            (SHAPE_KEYS, "Shape Keys", "Keyframes of the shape keys that have names of poses"),
            (
                VERTICES,
                "Vertex Animation",
                "The network's full geometry, played on the skin and the tongue by a Mesh Cache "
                "modifier, without keyframes of their shape keys. The meshes have to be of the "
                "network's topology; brows, lashes and other meshes keep their shape keys",
            ),
            (
                BOTH,
                "Both",
                "Keyframes of the shape keys, and the full geometry over them: it shows as long as "
                "the Mesh Cache modifier is on",
            ),
        ),
        default=SHAPE_KEYS,
        update=telling("output"),
    )

    # ---- what follows from the choices ---------------------------------------------------------

    @property
    def detects(self) -> bool:
        """Whether an emotion model listens while the face is animated."""
        return bool(self.detect_emotion != "OFF")

    @property
    def model_text(self) -> str:
        """The model's folder, or that of the preferences; empty is the built-in one."""
        return self.model.strip() or str(getattr(preferences(), "model", "")).strip()

    @property
    def model_folder(self) -> Path:
        """The same as a path."""
        return folder_path(self.model_text)

    @property
    def emotion_model_text(self) -> str:
        """The emotion model's folder: the pipeline's, the preferences', or the built-in one."""
        preferred = str(getattr(preferences(), "emotion_model", "")).strip()
        return self.emotion_model.strip() or preferred or str(BUILT_IN_EMOTION)

    @property
    def shots(self) -> tuple[tuple[str, int], ...]:
        """Name and number of frames of each expression of the model's database."""
        return defaults(self.model_text, self.identity).shots

    def changed_settings(self) -> dict[str, Any]:
        """Parameters that the user has set; the others are left to the model."""
        values: dict[str, Any] = parameters.own_values(self)
        if self.source_shot:
            values["source_shot"] = self.source_shot
        return values

    def reset_settings(self) -> None:
        """Leave every parameter to the model again."""
        parameters.reset(self, parameters.NAMES)
        if self.source_shot:
            self.source_shot = ""
            tell(self, "source_shot")


FACEWRIGHT_PG_pipeline.__annotations__.update(parameters.parameter_annotations())

register, unregister = bpy.utils.register_classes_factory((FACEWRIGHT_PG_pipeline,))
