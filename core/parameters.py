# SPDX-License-Identifier: GPL-3.0-or-later
"""The one table of parameters: name, range, default, unit, text, and the stage that it restarts.

Blender's properties, the command line and the manual are made from this table. Ranges and defaults
are those of the published SDK behaviour; where a model folder's ``model_config.json`` gives a
value, it goes before the table's default, and the user's value goes before both.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from numbers import Real
from typing import Literal

from .errors import UserError

Value = float | int | bool | str
# What has to run again first; later stages follow (see ``core/workbench.py``)
Stage = Literal[
    "emotion", "network", "skin", "tongue", "teeth", "eyes", "head", "solve", "skin_solve",
    "tongue_solve", "weights",
]  # fmt: skip

EMOTION_NAMES: tuple[str, ...] = (
    "amazement",
    "anger",
    "cheekiness",
    "disgust",
    "fear",
    "grief",
    "joy",
    "outofbreath",
    "pain",
    "sadness",
)
EMOTION_PREFIX = "emotion_"


@dataclass(frozen=True)
class Parameter:
    """One row. ``kind`` follows from the default; text has no range.

    ``label`` is the manual's name of it, ``text`` one sentence without a full stop (a tooltip),
    ``stage`` the first stage that has to run again after a change.
    """

    name: str
    label: str
    minimum: float
    maximum: float
    default: Value
    unit: str
    text: str
    stage: Stage

    @property
    def kind(self) -> Literal["float", "int", "bool", "text"]:
        if isinstance(self.default, bool):
            return "bool"
        if isinstance(self.default, int):
            return "int"
        return "float" if isinstance(self.default, float) else "text"


_P = Parameter
INPUT: tuple[Parameter, ...] = (
    _P("input_strength", "Input Strength", 0.0, 3.0, 1.0, "",
       "Gain on the voice before the network: 0 is muted, above 1 is more pronounced", "network"),
    _P("prediction_delay", "Prediction Delay", -1.0, 1.0, 0.0, "s",
       "Moves the face against the voice; positive moves the mouth later", "network"),
    _P("source_shot", "Source Shot", 0.0, 0.0, "", "",
       "Default expression from the model's database; empty takes the model's own", "network"),
    _P("source_frame", "Source Frame", 0, 1_000_000, 0, "",
       "Frame of the source shot that is the default expression", "network"),
    _P("identity", "Identity", 0.0, 0.0, "", "",
       "Which person of the model moves; empty takes the first", "network"),
    _P("fresh_noise", "Fresh Noise", 0, 1, False, "",
       "Diffusion models: draws new noise for every half second instead of the same all along",
       "network"),
    _P("noise_seed", "Noise Seed", 0, 9_999, 0, "",
       "Diffusion models: chooses the noise that the motion is made from", "network"),
)  # fmt: skip
EMOTION: tuple[Parameter, ...] = tuple(
    _P(EMOTION_PREFIX + name, label, 0.0, 1.0, 0.0, "",
       f"Amount of {label.lower()} in the whole take; all at 0 is neutral", "emotion")
    for name, label in zip(
        EMOTION_NAMES,
        ("Amazement", "Anger", "Cheekiness", "Disgust", "Fear", "Grief", "Joy", "Out of Breath",
         "Pain", "Sadness"),
        strict=True,
    )
)  # fmt: skip
AUTO_EMOTION: tuple[Parameter, ...] = (
    _P("detection_range", "Detection Range", 0.5, 3.75, 1.4, "s",
       "Seconds of voice that are judged for one key", "emotion"),
    _P("key_interval", "Key Interval", 0.1, 10.0, 1.0, "s",
       "Seconds between neighbouring keys", "emotion"),
    _P("overall_emotion_strength", "Emotion Strength", 0.0, 1.0, 0.6, "",
       "Amount of the emotions after they are mixed; 0 is neutral", "emotion"),
    _P("key_smoothing", "Smoothing", 0, 20, 0, "keys",
       "Neighbouring keys that are averaged on each side", "emotion"),
    _P("max_emotions", "Max Emotions", 1, 6, 6, "",
       "Only so many of the strongest emotions at a time", "emotion"),
    _P("detected_emotion_contrast", "Contrast", 0.3, 3.0, 1.0, "",
       "Spreads the detected emotions: higher favours the strongest", "emotion"),
    _P("preferred_strength", "Preferred Strength", 0.0, 1.0, 0.5, "",
       "Share of the preferred emotion, 0 detected only to 1 preferred only", "emotion"),
    _P("live_blend", "Live Blend", 0.0, 1.0, 0.7, "",
       "Frame by frame: share of the frame before in a detected emotion", "emotion"),
    _P("live_transition", "Live Transition", 0.001, 10.0, 0.5, "s",
       "Frame by frame: time that a change of emotion takes", "emotion"),
)  # fmt: skip
SKIN: tuple[Parameter, ...] = (
    _P("skin_strength", "Skin Strength", 0.0, 2.0, 1.0, "",
       "Range of motion of the skin as a whole", "skin"),
    _P("upper_face_strength", "Upper Face Strength", 0.0, 2.0, 1.0, "",
       "Range of motion of the upper face", "skin"),
    _P("lower_face_strength", "Lower Face Strength", 0.0, 2.0, 1.0, "",
       "Range of motion of the lower face", "skin"),
    _P("eyelid_open_offset", "Eyelid Offset", -1.0, 1.0, 0.06, "",
       "Default pose of the lids, from -1 closed to 1 open", "skin"),
    _P("blink_strength", "Blink Strength", 0.0, 2.0, 1.0, "", "Range of the blink", "skin"),
    _P("blink_offset", "Blink Offset", 0.0, 1.0, 0.0, "",
       "Closes the lids by this much in the whole take", "skin"),
    _P("blink_interval", "Blink Interval", 0.0, 60.0, 3.0, "s",
       "Mean time between blinks, which take a good half second each; 0 is no blinks", "skin"),
    _P("blink_seed", "Blink Seed", 0, 9_999, 0, "",
       "Chooses another natural pattern of blinks", "skin"),
    _P("lip_open_offset", "Lip Open Offset", -0.2, 0.2, -0.03, "",
       "Default pose of the lips, from closed to open", "skin"),
    _P("upper_face_smoothing", "Upper Face Smoothing", 0.0, 0.1, 0.001, "s",
       "Smoothing of the upper face over time", "skin"),
    _P("lower_face_smoothing", "Lower Face Smoothing", 0.0, 0.1, 0.0023, "s",
       "Smoothing of the lower face over time", "skin"),
    _P("face_mask_level", "Face Mask Level", 0.0, 1.0, 0.6, "",
       "Height of the border between lower and upper face, share of the face's height", "skin"),
    _P("face_mask_softness", "Face Mask Softness", 0.001, 0.5, 0.0085, "",
       "Width of the blend at the border, share of the face's height", "skin"),
)  # fmt: skip
EYES: tuple[Parameter, ...] = (
    _P("eyeballs_strength", "Offset Strength", 0.0, 2.0, 1.0, "",
       "Range of the eye motion that the network gives", "eyes"),
    _P("saccade_strength", "Saccade Strength", 0.0, 2.0, 1.0, "",
       "Range of the small darts of the eyes", "eyes"),
    _P("eye_saccade_seed", "Saccade Seed", 0, 4_999, 0, "",
       "Chooses where in the pattern the darts start", "eyes"),
    _P("saccade_pattern", "Saccade Pattern", 0, 7, 0, "",
       "Pattern of the darts: 0 the model's own, 1 calm, 2 attentive, 3 lively, 4 nervous, "
       "5 thinking, 6 reading, 7 still", "eyes"),
    _P("right_eye_rot_x_offset", "Right Eye Rotate X", -10.0, 10.0, 0.0, "deg",
       "Turns the right eye, in degrees; positive looks down", "eyes"),
    _P("right_eye_rot_y_offset", "Right Eye Rotate Y", -10.0, 10.0, 0.0, "deg",
       "Turns the right eye, in degrees; positive looks to the character's left", "eyes"),
    _P("left_eye_rot_x_offset", "Left Eye Rotate X", -10.0, 10.0, 0.0, "deg",
       "Turns the left eye, in degrees; positive looks down", "eyes"),
    _P("left_eye_rot_y_offset", "Left Eye Rotate Y", -10.0, 10.0, 0.0, "deg",
       "Turns the left eye, in degrees; positive looks to the character's left", "eyes"),
)  # fmt: skip
# Off unless asked for: the motion of a head is often animated by hand or with the body already, and
# a face that was animated before must not begin to move.
HEAD: tuple[Parameter, ...] = (
    _P("head_motion", "Head Motion", 0, 1, False, "",
       "Turns the head a little with the voice: nods on loud syllables, drifts, rests in silence",
       "head"),
    _P("head_motion_strength", "Head Motion Strength", 0.0, 2.0, 1.0, "",
       "Range of the head motion; at 1 it stays within 4 degrees of nod, 5 of turn, 3 of tilt",
       "head"),
    _P("head_motion_seed", "Head Motion Seed", 0, 9_999, 0, "",
       "Chooses another drift of the head", "head"),
)  # fmt: skip
TEETH: tuple[Parameter, ...] = (
    _P("lower_teeth_strength", "Strength", 0.0, 2.0, 1.0, "",
       "Range of motion of the lower denture", "teeth"),
    _P("lower_teeth_height_offset", "Height", -3.0, 3.0, 0.0, "unit",
       "Moves the lower denture up or down, in the model's units", "teeth"),
    _P("lower_teeth_depth_offset", "Depth", -3.0, 3.0, 0.0, "unit",
       "Moves the lower denture forward or back, in the model's units", "teeth"),
)  # fmt: skip
TONGUE: tuple[Parameter, ...] = (
    _P("tongue_strength", "Strength", 0.0, 3.0, 1.5, "",
       "Range of motion of the tongue", "tongue"),
    _P("tongue_height_offset", "Height", -3.0, 3.0, 0.2, "unit",
       "Moves the tongue up or down, in the model's units", "tongue"),
    _P("tongue_depth_offset", "Depth", -3.0, 3.0, 0.13, "unit",
       "Moves the tongue forward or back, in the model's units", "tongue"),
)  # fmt: skip
SOLVE: tuple[Parameter, ...] = (
    _P("clamp_weights", "Clamp Weights", 0, 1, False, "",
       "Keeps every weight between 0 and 1 after multipliers and offsets", "weights"),
    _P("sdk_compatible", "SDK Compatible", 0, 1, False, "",
       "Solves exactly as the published SDK does, which shrinks weights when its temporal "
       "smoothing is on", "solve"),
)  # fmt: skip


def _rig_rows(part: Literal["skin", "tongue"]) -> tuple[Parameter, ...]:
    """Solver strengths of one rig; a model's own solver settings go before these defaults."""
    stage: Stage = "skin_solve" if part == "skin" else "tongue_solve"
    return (
        _P(f"{part}_regularization", "Weight Regularization", 0.0, 1000.0, 3.5, "",
           f"Makes the weights of the {part} smaller", stage),
        _P(f"{part}_sparsity", "Weight Sparsity", 0.0, 1000.0, 1.0, "",
           f"Lets fewer poses of the {part} be active at a time", stage),
        _P(f"{part}_temporal", "Temporal Smoothing", 0.0, 1000.0, 0.0, "",
           f"Holds the weights of the {part} back over time: fewer pops", stage),
        _P(f"{part}_symmetry", "Symmetric Pose", 0.0, 1000.0, 100.0, "",
           f"Makes the pairs of the {part} more equal", stage),
    )  # fmt: skip


SKIN_SOLVE = _rig_rows("skin")
TONGUE_SOLVE = _rig_rows("tongue")

GROUPS: dict[str, tuple[Parameter, ...]] = {
    "input": INPUT,
    "emotion": EMOTION,
    "auto_emotion": AUTO_EMOTION,
    "skin": SKIN,
    "eyes": EYES,
    "head": HEAD,
    "teeth": TEETH,
    "tongue": TONGUE,
    "solve": SOLVE,
    "skin_solve": SKIN_SOLVE,
    "tongue_solve": TONGUE_SOLVE,
}
PARAMETERS: dict[str, Parameter] = {p.name: p for group in GROUPS.values() for p in group}


def _f(name: str) -> float:
    return float(PARAMETERS[name].default)


def _i(name: str) -> int:
    return int(PARAMETERS[name].default)


def checked(name: str, value: object, source: str = "") -> Value:
    """Return ``value`` as the parameter's own type, or raise UserError naming the parameter.

    ``source`` (a file name) is put in front of the sentence.
    """
    where = f"{source}: " if source else ""
    parameter = PARAMETERS.get(name)
    if parameter is None:
        raise UserError(f"{where}there is no parameter called {name!r}.", "Check the spelling.")
    label = f"{where}{parameter.label} ({name})"
    if parameter.kind == "text":
        if not isinstance(value, str) or len(value) > 256:
            raise UserError(f"{label} has to be a short text.")
        return value
    if not isinstance(value, Real):  # numpy's numbers are, too
        raise UserError(f"{label} has to be a number, not {value!r}.")
    try:
        number = float(value)
    except OverflowError:  # an endless integer
        number = math.inf
    if not math.isfinite(number):
        raise UserError(f"{label} has to be a number, not {number}.")
    # A value that went through float32 (Blender's properties) may miss its limit by a rounding.
    slack = 1e-6 * max(abs(parameter.minimum), abs(parameter.maximum))
    slack = slack if parameter.kind == "float" else 0.0
    if not parameter.minimum - slack <= number <= parameter.maximum + slack:
        raise UserError(
            f"{label} is {number:g}; it has to be between {parameter.minimum:g} and "
            f"{parameter.maximum:g}."
        )
    number = min(max(number, parameter.minimum), parameter.maximum)
    if parameter.kind == "float":
        return number
    if number != int(number):
        raise UserError(f"{label} has to be a whole number, not {number:g}.")
    return bool(number) if parameter.kind == "bool" else int(number)


def checked_values(values: Mapping[str, object]) -> dict[str, Value]:
    """Each value as its parameter's own type. Raises UserError as ``checked``."""
    return {name: checked(name, value) for name, value in values.items()}


@dataclass(frozen=True)
class Settings:
    """One value for every parameter of the table, checked. Raises UserError on bad values."""

    input_strength: float = _f("input_strength")
    prediction_delay: float = _f("prediction_delay")
    source_shot: str = ""
    source_frame: int = _i("source_frame")
    identity: str = ""
    fresh_noise: bool = False
    noise_seed: int = _i("noise_seed")
    emotion_amazement: float = 0.0
    emotion_anger: float = 0.0
    emotion_cheekiness: float = 0.0
    emotion_disgust: float = 0.0
    emotion_fear: float = 0.0
    emotion_grief: float = 0.0
    emotion_joy: float = 0.0
    emotion_outofbreath: float = 0.0
    emotion_pain: float = 0.0
    emotion_sadness: float = 0.0
    detection_range: float = _f("detection_range")
    key_interval: float = _f("key_interval")
    overall_emotion_strength: float = _f("overall_emotion_strength")
    key_smoothing: int = _i("key_smoothing")
    max_emotions: int = _i("max_emotions")
    detected_emotion_contrast: float = _f("detected_emotion_contrast")
    preferred_strength: float = _f("preferred_strength")
    live_blend: float = _f("live_blend")
    live_transition: float = _f("live_transition")
    skin_strength: float = _f("skin_strength")
    upper_face_strength: float = _f("upper_face_strength")
    lower_face_strength: float = _f("lower_face_strength")
    eyelid_open_offset: float = _f("eyelid_open_offset")
    blink_strength: float = _f("blink_strength")
    blink_offset: float = _f("blink_offset")
    blink_interval: float = _f("blink_interval")
    blink_seed: int = _i("blink_seed")
    lip_open_offset: float = _f("lip_open_offset")
    upper_face_smoothing: float = _f("upper_face_smoothing")
    lower_face_smoothing: float = _f("lower_face_smoothing")
    face_mask_level: float = _f("face_mask_level")
    face_mask_softness: float = _f("face_mask_softness")
    eyeballs_strength: float = _f("eyeballs_strength")
    saccade_strength: float = _f("saccade_strength")
    eye_saccade_seed: int = _i("eye_saccade_seed")
    saccade_pattern: int = _i("saccade_pattern")
    right_eye_rot_x_offset: float = _f("right_eye_rot_x_offset")
    right_eye_rot_y_offset: float = _f("right_eye_rot_y_offset")
    left_eye_rot_x_offset: float = _f("left_eye_rot_x_offset")
    left_eye_rot_y_offset: float = _f("left_eye_rot_y_offset")
    head_motion: bool = False
    head_motion_strength: float = _f("head_motion_strength")
    head_motion_seed: int = _i("head_motion_seed")
    lower_teeth_strength: float = _f("lower_teeth_strength")
    lower_teeth_height_offset: float = _f("lower_teeth_height_offset")
    lower_teeth_depth_offset: float = _f("lower_teeth_depth_offset")
    tongue_strength: float = _f("tongue_strength")
    tongue_height_offset: float = _f("tongue_height_offset")
    tongue_depth_offset: float = _f("tongue_depth_offset")
    clamp_weights: bool = False
    sdk_compatible: bool = False
    skin_regularization: float = _f("skin_regularization")
    skin_sparsity: float = _f("skin_sparsity")
    skin_temporal: float = _f("skin_temporal")
    skin_symmetry: float = _f("skin_symmetry")
    tongue_regularization: float = _f("tongue_regularization")
    tongue_sparsity: float = _f("tongue_sparsity")
    tongue_temporal: float = _f("tongue_temporal")
    tongue_symmetry: float = _f("tongue_symmetry")

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, checked(field.name, getattr(self, field.name)))

    @classmethod
    def from_mapping(cls, values: Mapping[str, object]) -> Settings:
        """Make settings of some values; the others stay at the table's defaults.

        Raises UserError for unknown names, non-numbers, NaN and values out of range.
        """
        return cls().changed(values)

    def changed(self, values: Mapping[str, object]) -> Settings:
        """Return a copy with some values changed, checked as in ``from_mapping``."""
        result = copy.copy(self)
        for name, value in values.items():
            object.__setattr__(result, name, checked(name, value))
        return result

    def to_mapping(self) -> dict[str, Value]:
        """Every parameter by name, in the table's order; ``from_mapping`` takes it back."""
        return {name: getattr(self, name) for name in PARAMETERS}

    def emotion(self, names: tuple[str, ...]) -> tuple[float, ...]:
        """Strengths for a network's own emotion names; 0 for those the table does not know."""
        return tuple(float(getattr(self, EMOTION_PREFIX + name, 0.0)) for name in names)
