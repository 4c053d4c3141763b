# SPDX-License-Identifier: GPL-3.0-or-later
"""Preferences of the extension: models, processors and folders. ``panels/library`` draws them."""

from __future__ import annotations

import bpy
from bpy.props import CollectionProperty, EnumProperty, IntProperty, StringProperty

from .panels import library as panel
from .properties.library import FACEWRIGHT_PG_model

DEVICES = (
    ("auto", "Automatic", "CUDA where it works, else the CPU"),
    ("cpu", "CPU", "The computer's own processor"),
    ("cuda", "NVIDIA (CUDA)", "NVIDIA's graphics cards on Linux and Windows; not tested"),
    ("tensorrt", "NVIDIA (TensorRT)",
     "As CUDA, with networks prepared for the card: slow to open; not tested"),
    ("coreml", "Apple (CoreML)", "Apple's graphics and neural processors; not tested"),
    ("directml", "Windows (DirectML)", "Graphics cards of any maker on Windows; not tested"),
)  # fmt: skip


class FACEWRIGHT_AP_preferences(bpy.types.AddonPreferences):
    """Preferences of Facewright"""

    bl_idname = __package__ or ""

    models: CollectionProperty(
        name="Models", description="The library of models", type=FACEWRIGHT_PG_model
    )
    active_model: IntProperty(name="Chosen Model", default=0, min=0, options={"HIDDEN"})
    model: StringProperty(
        name="Model",
        description="Folder of the model for scenes that name none; empty is the built-in one",
        subtype="DIR_PATH",
    )
    emotion_model: StringProperty(
        name="Emotion Model",
        description="Audio2Emotion folder for scenes that name none; empty is the built-in model",
        subtype="DIR_PATH",
    )
    device: EnumProperty(
        name="Processor",
        description="What the networks run on",
        items=DEVICES,
        default="auto",
    )
    threads: IntProperty(
        name="Threads",
        description="Processor threads of the network; 0 chooses by itself",
        default=0,
        min=0,
        max=64,
    )
    cuda_folder: StringProperty(
        name="CUDA Folder",
        description="A folder with onnxruntime-gpu and its libraries, in place of a fetched one",
        subtype="DIR_PATH",
    )
    directml_folder: StringProperty(
        name="DirectML Folder",
        description="A folder with onnxruntime-directml, in place of a fetched one",
        subtype="DIR_PATH",
    )
    models_folder: StringProperty(
        name="Downloads",
        description="Where models are downloaded to; empty is the extension's own folder, which "
        "Blender deletes with the extension",
        subtype="DIR_PATH",
    )

    def draw(self, context: bpy.types.Context) -> None:
        logs = bpy.utils.extension_path_user(__package__ or "")
        panel.draw(self.layout, context, self, logs)


register, unregister = bpy.utils.register_classes_factory((FACEWRIGHT_AP_preferences,))
