# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo, inside a Blender that holds nothing but bpy and numpy: a voice in, a talking head out.

``python tools/demo --zip facewright.zip --out folder [--audio FILE] [--blend FILE --object NAME]``

The zip is installed as a user would install it; voices, network and solve come from it alone.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from report import Report
from subprocesses import picture, skipped

FILES = ("talking.blend", "talking.usdc", "talking.fbx", "talking.json")
SHEET, MOVIE = "talking.png", "talking.mp4"
FPS = 24
SHEET_LIMIT_S, MOVIE_LIMIT_S = 120, 600


def main(arguments: list[str]) -> int:
    options = _parse(arguments)
    out = Path(options.out).resolve()
    out.mkdir(parents=True, exist_ok=True)
    report = Report()
    with tempfile.TemporaryDirectory(prefix="facewright-demo-") as folder:
        os.environ["BLENDER_USER_RESOURCES"] = folder  # before bpy is imported
        try:
            _animate(options, out, report)
        except Exception as error:
            if not report.is_sentence(error):
                raise
            report.say(f"\n{error}")
            return 1
    blend = out / FILES[0]
    for kind, name, limit_s in (
        ("sheet", SHEET, SHEET_LIMIT_S),
        ("movie", MOVIE, MOVIE_LIMIT_S),
    ):
        with report.stage(f"{kind} of the talking face"):
            reason = picture(kind, blend, options.object or "", out / name, limit_s)
        report.say(skipped(reason) if reason else report.file(out / name))
    report.total()
    return 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tools/demo")
    parser.add_argument("--zip", required=True, help="the extension, for this machine")
    parser.add_argument("--out", required=True, help="folder for the files")
    parser.add_argument("--audio", default="", help="voice; else the sample of the extension")
    parser.add_argument("--emotion", action="store_true", help="read emotion from the voice")
    parser.add_argument("--blend", default="", help="a .blend of yours; needs --object")
    parser.add_argument("--object", default="", help="the face in it")
    return parser.parse_args(arguments)


def _animate(options: argparse.Namespace, out: Path, report: Report) -> None:
    """Install, make or open the scene, animate and save; stages are timed and shown."""
    with report.stage("start Blender and install the zip"):
        import blender

        extension = blender.install(Path(options.zip))
    report.say(f"   Blender {blender.version()}, extension {extension.__name__}")
    with report.stage("open the scene"):
        if options.blend:
            face = blender.open_face(Path(options.blend), options.object)
        else:
            face = blender.template_face(extension, FPS)
    voice = options.audio or blender.sample_voice(extension, out)
    with report.stage("animate and save"):
        notices = blender.animate(
            extension,
            face,
            voice,
            [str(out / name) for name in FILES],
            report.progress,
            options.emotion,
        )
    for notice in notices:
        report.say(f"   note: {notice}")
    for name in FILES:
        report.say(report.file(out / name))


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # Blender as a module may hang at the interpreter's end
