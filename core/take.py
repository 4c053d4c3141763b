# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of the engine, what it works with, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from .arrays import Floats
from .emotion.detection import Detector
from .emotion.source import EmotionSource
from .emotion.track import EmotionTrack
from .errors import UserError
from .face.track import FaceTrack
from .models.model import EmotionModel, Model
from .motion import Motion, shapes_of
from .network.checkpoint import Checkpoint
from .parameters import Settings, Value
from .solve.pose_table import RigOverrides
from .voice.audio import Voice

if TYPE_CHECKING:
    from .network.devices import OpenNetwork


@dataclass(frozen=True)
class Request:
    """One face to animate.

    ``voice`` and ``model`` (a folder); ``fps`` frames per second, exact, of the face
    ``settings``   the user's values by parameter name; the model's and the table's stand for the
                   others. The parameter ``identity`` chooses the person of the model
    ``rigs``       the user's changes to the solve, per pose
    ``emotion``    where the emotion comes from; the ``emotion_*`` settings unless it says otherwise
    ``device``     name of the processor, ``threads`` 0 takes up to four
    ``checkpoint`` a file that keeps what a long diffusion run has done; None keeps nothing
    """

    voice: Voice
    model: str | Path
    fps: Fraction
    settings: Mapping[str, object] = field(default_factory=dict)
    rigs: RigOverrides = field(default_factory=RigOverrides)
    emotion: EmotionSource = field(default_factory=EmotionSource)
    device: str = "cpu"
    threads: int = 0
    checkpoint: Checkpoint | Path | None = None


@dataclass(frozen=True)
class Loaded:
    """A model and its opened network, to be kept for the next take.

    ``emotion_model`` and ``emotion_network`` are there when the emotion is read from the voice.
    """

    model: Model
    network: OpenNetwork
    emotion_model: EmotionModel | None = None
    emotion_network: OpenNetwork | None = None

    @property
    def detector(self) -> Detector | None:
        """What reads the emotion from a voice, when it is there."""
        if self.emotion_model is None or self.emotion_network is None:
            return None
        return Detector(self.emotion_model, self.emotion_network)


@dataclass(frozen=True)
class Take:
    """A face's animation with everything needed to make it again.

    ``face``     at the frame rate asked for; ``motion`` at the network's own
    ``settings`` complete; ``rigs`` the user's changes to the solve
    ``emotion``  what the network was given, its columns are ``emotion_names``
    ``identity`` the person of the model; ``device`` the processor that was really used
    ``timings``  seconds per stage; everything else follows from voice, model and settings alone
    ``network_ms_per_frame``  what one frame of the motion took when the network last ran
    ``voice_power``  (K,) what head motion needs of the voice (``voice.power``); None: it was off
    ``missing``  parameters that the file did not hold yet: the model's own stand for them
    """

    face: FaceTrack
    motion: Motion
    voice_name: str
    voice_sha256: str
    model_name: str
    model_sha256: str
    settings: Settings
    timings: Mapping[str, float]
    emotion: EmotionTrack
    emotion_names: tuple[str, ...]
    rigs: RigOverrides = field(default_factory=RigOverrides)
    identity: str = ""
    device: str = "cpu"
    network_ms_per_frame: float = 0.0
    voice_power: Floats | None = None
    missing: tuple[str, ...] = ()

    @property
    def values(self) -> dict[str, Value]:
        """The settings that the take is known to be made with, by name."""
        mapping = self.settings.to_mapping()
        return {name: value for name, value in mapping.items() if name not in self.missing}

    def check_model(self, model: Model) -> None:
        """Raises UserError when the take was made with another model or another person of it."""
        again = "Animate the voice again."
        if self.model_sha256 != model.sha256:
            raise UserError(
                f"The take of {self.voice_name} was made with another model than {model.name}.",
                again,
            )
        if self.identity and self.identity != model.identity:
            raise UserError(
                f"The take of {self.voice_name} was made with {self.identity}, not with "
                f"{model.identity}.",
                again,
            )
        if not self._fits(model):
            raise UserError(
                f"The take of {self.voice_name} does not fit the model {model.name}.", again
            )

    def _fits(self, model: Model) -> bool:
        """Whether the motion's arrays have the sizes of the model."""
        motion, shapes, info = self.motion, shapes_of(model, self.motion), model.info
        return (
            motion.skin.shape[1] == len(shapes.skin)
            and motion.tongue.shape[1] == len(shapes.tongue)
            and shapes.skin.shape[1] == info.skin_vertices
            and shapes.tongue.shape[1] == info.tongue_vertices
            and motion.jaw.shape[1] == len(model.data.jaw_neutral)
        )
