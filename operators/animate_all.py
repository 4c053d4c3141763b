# SPDX-License-Identifier: GPL-3.0-or-later
"""Animate All: every pipeline that is heard, one after the other, as one step of undo."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import bpy

from ..core.errors import Cancelled, UserError
from ..properties.ids import find
from ..properties.progress import STATE
from ..scene.references import reference
from .asking import Progress
from .chosen import pipeline_problem, request_of
from .faults import sentence
from .rendering import PATIENCE, rendering
from .running import Running

if TYPE_CHECKING:
    from .animation_job import Result


@dataclass
class Outcome:
    """What came of it: results by the pipeline's name, and why others have none."""

    results: list[tuple[str, Result]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        count = len(self.results)
        frames = sum(result.face.frame_count for _name, result in self.results)
        said = f"{count} pipeline{'s' if count != 1 else ''}, {frames} frames"
        return f"{said}; {len(self.problems)} not animated" if self.problems else said

    @property
    def notices(self) -> tuple[str, ...]:
        texts = [f"{name}: {text}" for name, r in self.results for text in r.notices]
        return (*self.problems, *texts)


def all_steps(scene: bpy.types.Scene, outcome: Outcome) -> Generator[Progress, None, Outcome]:
    """Animate all that is heard, yielding progress over all. What is finished stays when the
    generator is closed. Raises UserError when nothing could be animated."""
    chosen: Any = scene.facewright
    ids, kept = [pipeline.id for pipeline in chosen.audible], reference(scene)
    del scene, chosen
    for at, pipeline_id in enumerate(ids):
        scene = kept.get()
        pipeline = find(scene.facewright.pipelines, pipeline_id)
        if pipeline is None:
            continue
        name, problem = str(pipeline.name), pipeline_problem(scene, pipeline)
        del scene, pipeline
        if problem:
            outcome.problems.append(f"{name}: {problem}")
            continue
        try:
            result = yield from _one(kept.get(), pipeline_id, name, at, len(ids))
            outcome.results.append((name, result))
        except UserError as error:
            outcome.problems.append(f"{name}: {sentence(error)}")
        except Cancelled as error:
            kept.get()
            outcome.problems.append(f"{name}: {error}")
    if not outcome.results:
        raise UserError(" ".join(outcome.problems) or "There is no pipeline to animate.")
    return outcome


def _one(
    scene: bpy.types.Scene, pipeline_id: str, name: str, at: int, count: int
) -> Generator[Progress, None, Result]:
    from .animation_job import animation_steps

    chosen: Any = scene.facewright
    steps = animation_steps(request_of(scene, find(chosen.pipelines, pipeline_id)))
    del scene, chosen
    try:
        while True:
            now = next(steps)
            yield Progress((at + now.fraction) / count, f"{name}: {now.text}")
    except StopIteration as end:
        result: Result = end.value
        return result
    finally:
        steps.close()


class FACEWRIGHT_OT_animate_all(Running, bpy.types.Operator):
    """Animate the characters of all pipelines, or of those with solo, one after the other"""

    bl_idname = "facewright.animate_all"
    bl_label = "Animate All"
    bl_options = {"UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        if STATE.running:
            return "A face is being animated already"
        if rendering():
            return PATIENCE
        chosen: Any = context.scene.facewright
        problem = "Add a pipeline first"
        for pipeline in chosen.audible:
            problem = pipeline_problem(context.scene, pipeline)
            if not problem:
                return ""
        return problem

    def steps(self, context: bpy.types.Context) -> Generator[Progress, None, Outcome]:
        self._outcome = Outcome()
        return all_steps(context.scene, self._outcome)

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """As the base; what was finished before a stop is a step of undo as well."""
        ended = super().modal(context, event)
        return {"FINISHED"} if "CANCELLED" in ended and self._outcome.results else ended

    def tell(self, result: Outcome) -> None:
        STATE.end(result.sentence, "done", result.notices)
        self.report({"INFO"}, f"{result.sentence}.")
        for notice in result.notices:
            self.report({"WARNING"}, notice)


register, unregister = bpy.utils.register_classes_factory((FACEWRIGHT_OT_animate_all,))
