# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine: arrays in, arrays out. No Blender, no threads, no printing, no state between calls.

Only numpy and the standard library are imported with the modules; scipy, soundfile and onnxruntime
are imported inside the functions that use them, so Blender's own process may import any of this.
"""
