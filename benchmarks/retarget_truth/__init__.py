# SPDX-License-Identifier: GPL-3.0-or-later
"""Character transfers whose right result is known, made from the pinned wheel alone.

Benchmarks and tests import this as ``facewright.benchmarks.retarget_truth``; it is no part of the
extension's zip.

- ``soma.soma()``: the MakeHuman male head drives the wheel's default body in a second, unrelated
  topology. Another identity and other triangles; a shape moves both heads alike.
- ``warp.warp()``: the driver itself, bent by a known smooth warp of space; the shapes are bent too.

The target's vertices and triangles are always shuffled: nothing can be had from their order.
"""
