# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of the two meshes that pairs are picked on. Each is made anew only when the mesh or the
look changes; in between, drawing it is drawing a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gpu
from gpu_extras.batch import batch_for_shader
from mathutils import Matrix, Vector

from ..operators.correspondence_look import reach_of, surface_arrays
from ..operators.correspondence_session import Pane

SKIN = (0.78, 0.72, 0.68)
LARGEST_PX = 8192

_VERTEX = """
void main()
{
  gl_Position = clip * vec4(pos, 1.0);
  facing = normal;
}
"""
# A light beside the viewer, a weaker one from below, and a darker rim that shows the contours
_FRAGMENT = """
void main()
{
  vec3 n = normalize(facing);
  vec3 across = cross(up.xyz, viewer.xyz);
  vec3 key = normalize(viewer.xyz + 0.55 * up.xyz - 0.45 * across);
  vec3 fill = normalize(viewer.xyz - 0.4 * up.xyz + 0.8 * across);
  float front = dot(n, viewer.xyz);
  float light = 0.18 + 0.62 * max(dot(n, key), 0.0) + 0.22 * max(dot(n, fill), 0.0);
  light *= mix(0.55, 1.0, smoothstep(0.0, 0.55, abs(front)));
  vec3 shade = front < 0.0 ? vec3(0.32, 0.22, 0.22) : tint.rgb;
  colour = vec4(shade * light, 1.0);
}
"""


@dataclass
class _Kept:
    """What belongs to one mesh, and what is drawn with it."""

    version: tuple[int, int]
    batch: Any


class Pictures:
    """Keeps what the graphics card holds; ``free`` gives it back."""

    def __init__(self) -> None:
        self._shader: Any = None
        self._meshes: dict[str, _Kept] = {}
        self._canvases: dict[str, Any] = {}
        self._made: dict[str, Any] = {}

    def picture(self, pane: Pane, name: str, view: Any, back: Any) -> Any:
        """The texture of a look at a pane's mesh; ``name`` is where it is kept."""
        size = tuple(
            min(max(int(each), 1), LARGEST_PX) for each in (view.box.width, view.box.height)
        )
        batch = self._batch(pane)
        wanted = (id(batch), view.turn, view.centre, view.pixels, size, tuple(back))
        canvas = self._canvas(name, size)
        if self._made.get(name) != wanted:
            self._render(canvas, batch, pane, view, back)
            self._made[name] = wanted
        return canvas.texture_color

    def free(self) -> None:
        """Give everything back."""
        for canvas in self._canvases.values():
            canvas.free()
        self.__init__()  # type: ignore[misc]

    def _batch(self, pane: Pane) -> Any:
        if self._shader is None:
            self._shader = _compiled()
        version = (id(pane.mesh), pane.version)
        kept = self._meshes.get(pane.side)
        if kept is None or kept.version != version:
            points, normals, triangles = surface_arrays(pane)
            values = {"pos": points, "normal": normals}
            batch = batch_for_shader(self._shader, "TRIS", values, indices=triangles)
            kept = self._meshes[pane.side] = _Kept(version, batch)
        return kept.batch

    def _canvas(self, name: str, size: tuple[int, ...]) -> Any:
        canvas = self._canvases.get(name)
        if canvas is None or (canvas.width, canvas.height) != size:
            if canvas is not None:
                canvas.free()
            canvas = self._canvases[name] = gpu.types.GPUOffScreen(*size)
            self._made.pop(name, None)
        return canvas

    def _render(self, canvas: Any, batch: Any, pane: Pane, view: Any, back: Any) -> None:
        axes = [Vector((*row, 0.0)) for row in view.turn]
        with canvas.bind():
            gpu.state.active_framebuffer_get().clear(color=(*back[:3], 1.0), depth=1.0)
            gpu.state.depth_test_set("LESS_EQUAL")
            gpu.state.depth_mask_set(True)
            gpu.state.blend_set("NONE")
            self._shader.bind()
            clip = Matrix([list(row) for row in view.clip_matrix(reach_of(pane))])
            self._shader.uniform_float("clip", clip)
            self._shader.uniform_float("viewer", axes[2])
            self._shader.uniform_float("up", axes[1])
            self._shader.uniform_float("tint", (*SKIN, 1.0))
            batch.draw(self._shader)
            gpu.state.depth_mask_set(False)
            gpu.state.depth_test_set("NONE")


def _compiled() -> Any:
    info = gpu.types.GPUShaderCreateInfo()
    between = gpu.types.GPUStageInterfaceInfo("facewright_surface")
    between.smooth("VEC3", "facing")
    info.push_constant("MAT4", "clip")
    info.push_constant("VEC4", "viewer")
    info.push_constant("VEC4", "up")
    info.push_constant("VEC4", "tint")
    info.vertex_in(0, "VEC3", "pos")
    info.vertex_in(1, "VEC3", "normal")
    info.vertex_out(between)
    info.fragment_out(0, "VEC4", "colour")
    info.vertex_source(_VERTEX)
    info.fragment_source(_FRAGMENT)
    return gpu.shader.create_from_info(info)
