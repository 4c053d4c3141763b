# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures whether a model moves the mouth rightly on recorded human speech.

:func:`evaluate` runs the product's own path (audio, windows, network, post-processing, solve,
weights) over labelled recordings, poses the head with the weights and measures the mouth as an
animator sees it; beside it, what the network heard, and what pocketsphinx hears of the same.
``measuring/demands.py`` says what is demanded. The same recordings with the face 0.3 s late, or
with the face of another recording, are the controls: there closures have to be missed.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..core.head import Head
from .export import NETWORK, reload_listener
from .lean import Lean
from .measuring import network as networks
from .measuring import trials
from .measuring.demands import Line, judged, range_text
from .measuring.faces import Model, Stage, spoken, weights_files
from .measuring.labelled import Labelled
from .measuring.language import Subject, heard_closure_f1, language_figures
from .measuring.motion import OPEN
from .measuring.mouths import (
    Progress,
    delayed,
    face_closures,
    face_figures,
    performances,
    swapped,
)
from .measuring.recognisers import Heard, listen
from .onnx_file import FACTS
from .recipe import Recipe

NOISY_LANGUAGE = "en"
CONTROLS = {"delayed": delayed, "swapped": swapped}
CONTROL_MEASURES = ("face closure F1", "face lips meet in m b p")
INFORMATION = (
    *("face closure precision", "face closure recall", "face lip at teeth in f v"),
    *("face against energy correlation", "face curve jaw", "face curve close"),
    *("face curve round", "face curve wide"),
    *("heard closure precision", "heard closure recall"),
    *("heard visemes, either way", "allphone visemes, either way"),
    *("allphone closure recall", "allphone closure precision"),
)


@dataclass(frozen=True)
class Evaluation:
    """All figures by language (or "quiet", "live", "speed") and measure, and the controls'."""

    figures: Mapping[str, Mapping[str, float]]
    controls: Mapping[str, Mapping[str, Mapping[str, float]]]

    @property
    def lines(self) -> list[Line]:
        """Every demand on what was measured."""
        return judged(self.figures)

    @property
    def control_lines(self) -> dict[str, list[Line]]:
        """The demands that each control must not meet."""
        return {
            name: [line for line in judged(told) if line.demand.measure in CONTROL_MEASURES]
            for name, told in self.controls.items()
        }

    @property
    def controls_fail(self) -> bool:
        """Whether the controls meet none of the demands, as they must."""
        lines = [line for told in self.control_lines.values() for line in told]
        return all(line.verdict == "FAIL" for line in lines)

    @property
    def passes(self) -> bool:
        """Whether no demand was missed and the controls failed."""
        return self.controls_fail and not any(line.verdict == "FAIL" for line in self.lines)

    def table(self) -> str:
        """Demands line by line, then what is only told, then the controls."""
        head = f"{'':6}{'measure':34}{'value':>9}{'allphone':>10}{'demanded':>11}{'aimed at':>11}  "
        rows = [head.rstrip() + "  verdict"]
        for line in self.lines:
            demand = line.demand
            beside = self._beside(demand.language, demand.measure)
            rows.append(
                f"{demand.language:6}{demand.measure:34}{_shown(line.value):>9}{beside:>10}"
                f"{range_text(demand.demanded):>11}{range_text(demand.aimed):>11}  {line.verdict}"
            )
        return "\n".join([*rows, "", *self._information(), "", *self._control_rows()])

    def _beside(self, language: str, measure: str) -> str:
        told = self.figures.get(language, {})
        name = "allphone " + measure.partition(" ")[2]
        return _shown(told[name]) if name in told else ""

    def _information(self) -> list[str]:
        languages = [name for name, told in self.figures.items() if "recordings" in told]
        rows = [f"{'for information':40}" + "".join(f"{name:>9}" for name in languages)]
        names = ["recordings", "seconds", *INFORMATION]
        names += sorted({n for each in languages for n in self.figures[each] if n[:7] == "rhubarb"})
        for name in names:
            values = [self.figures[language].get(name) for language in languages]
            rows.append(f"{name:40}" + "".join(f"{_shown(value):>9}" for value in values))
        for place, title in (("quiet", "without speech"), ("speed", "one core")):
            told = [f"{name} {_shown(each)}" for name, each in self.figures.get(place, {}).items()]
            rows += [f"{title}: {', '.join(told[i : i + 4])}" for i in range(0, len(told), 4)]
        return rows

    def _control_rows(self) -> list[str]:
        return [
            f"control {name}: {line.demand.language} {line.demand.measure} {_shown(line.value)}, "
            + ("fails as it must" if line.verdict == "FAIL" else "DOES NOT FAIL")
            for name, lines in self.control_lines.items()
            for line in lines
        ]

    def to_mapping(self) -> dict[str, object]:
        """Everything for a JSON file; what could not be told is null."""
        return {
            "passes": self.passes,
            "figures": {key: _plain(told) for key, told in self.figures.items()},
            "controls": {
                name: {key: _plain(told) for key, told in each.items()}
                for name, each in self.controls.items()
            },
            "lines": [
                {
                    "language": line.demand.language,
                    "measure": line.demand.measure,
                    "value": _plain({"": line.value})[""],
                    "demanded": range_text(line.demand.demanded),
                    "aimed at": range_text(line.demand.aimed),
                    "verdict": line.verdict,
                }
                for line in self.lines
            ],
        }


def evaluate(
    model: Path,
    head: Head,
    languages: Mapping[str, Sequence[Labelled]],
    recipe: Recipe,
    progress: Progress = lambda _share, _language: None,
    weights: Path | None = None,
    everything: bool = True,
) -> Evaluation:
    """Measure a model folder, or a folder of weights files in its stead.

    ``everything`` includes noise, silence, the live network and the speed, of which weights
    files know nothing. Raises UserError for a model that cannot be opened.
    """
    stage = Stage(head)
    if weights is not None:
        subject = Subject(weights_files(weights))
    else:
        subject = Subject(Model(model), own_listener(model, recipe))
    figures: dict[str, dict[str, float]] = {}
    controls: dict[str, dict[str, dict[str, float]]] = {name: {} for name in CONTROLS}
    for language, recordings in languages.items():
        pairs = performances(recordings, subject.actor, stage, progress)
        figures[language] = language_figures(pairs, subject, recipe)
        for name, spoil in CONTROLS.items():
            controls[name][language] = face_figures(spoil(pairs))
    if everything and isinstance(subject.actor, Model):
        noisy = languages.get(NOISY_LANGUAGE)
        if noisy:
            figures[NOISY_LANGUAGE].update(_noise_figures(subject, subject.actor, noisy, stage))
        figures["quiet"] = _quiet_figures(subject, subject.actor, stage)
        if subject.listener is not None:
            figures["speed"] = networks.speed(model)
            figures.update(_live_figures(model, noisy or (), stage, progress))
    return Evaluation(figures, controls)


def own_listener(folder: Path, recipe: Recipe) -> Lean | None:
    """The part of a model of ours that listens; None for a model of others."""
    import onnx

    path = folder / NETWORK
    if not path.exists():
        return None
    keys = [entry.key for entry in onnx.load(path, load_external_data=False).metadata_props]
    return reload_listener(recipe, path).listener if FACTS in keys else None


def _noise_figures(
    subject: Subject, model: Model, recordings: Sequence[Labelled], stage: Stage
) -> dict[str, float]:
    faces, heard = [], []
    for recording in recordings:
        samples = trials.noisy(recording)
        faces.append((recording, stage.perform(model.act(spoken(samples, recording.name)))))
        if subject.listener is not None:
            heard.append(listen(subject.listener, samples))
    figures = {"face closure F1 in noise": face_figures(faces)["face closure F1"]}
    if heard:
        figures["heard closure F1 in noise"] = heard_closure_f1("heard", recordings, heard)
    return figures


def _quiet_figures(subject: Subject, model: Model, stage: Stage) -> dict[str, float]:
    """Closures are counted in what was heard, and where lips that had parted meet again."""
    figures: dict[str, float] = {}
    for name, samples in trials.quiet_sounds().items():
        face = stage.perform(model.act(spoken(samples, name)))
        parted = [
            np.any(face.gap[: int(start * face.rate)] > OPEN) for start, _ in face_closures(face)
        ]
        heard = Heard([], np.zeros(0))
        if subject.listener is not None:
            heard = listen(subject.listener, samples)
        figures[f"closures in {name}"] = float(sum(parted) + len(heard.closures))
        figures[f"jaw in {name}"] = float(face.shown["jaw"].max())
    for kind, total in (("closures", sum), ("jaw", max)):
        values = [value for key, value in figures.items() if key.startswith(f"{kind} in ")]
        figures[f"{kind} in quiet"] = float(total(values))
    return figures


def _live_figures(
    folder: Path, recordings: Sequence[Labelled], stage: Stage, progress: Progress
) -> dict[str, dict[str, float]]:
    """The live network, where the folder names one, in the place of the other."""
    with tempfile.TemporaryDirectory() as target:
        live = networks.live_folder(folder, Path(target))
        if live is None or not recordings:
            return {}
        pairs = performances(recordings, Model(live), stage, progress)
        ahead = networks.look_ahead_s(live)
        return {"live": {**face_figures(pairs), "look-ahead ms": 1000 * ahead}}


def _plain(values: Mapping[str, float | None]) -> dict[str, float | None]:
    return {
        key: None if value is None or math.isnan(value) else round(float(value), 5)
        for key, value in values.items()
    }


def _shown(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "-"
    if float(value).is_integer():
        return f"{value:.0f}"
    return (
        f"{value:.0f}"
        if abs(value) >= 100
        else f"{value:.3g}"
        if abs(value) >= 10
        else f"{value:.3f}"
    )
