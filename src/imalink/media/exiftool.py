"""ExifTool, where it is installed, for what stands only in makers' own blocks: names of lenses, much about films.

It is no part of ImaLink and never needed. It runs as a program of its own, with a deadline, and what it says only fills
what the file's standard metadata leave open.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

from imalink.core.picture import GpsPosition, PictureFacts
from imalink.core.timestamps import CaptureTime
from imalink.media.metadata_text import checked_position, clean_text, parse_capture_time

SECONDS_PER_FILE: Final = 20
MAX_ANSWER_BYTES: Final = 1024 * 1024
_TAGS: Final = (
    "LensModel LensID Lens LensType Make Model SubSecDateTimeOriginal DateTimeOriginal CreationDate CreateDate "
    "OffsetTimeOriginal GPSLatitude# GPSLongitude# GPSAltitude# Duration#"
).split()
_NO_LENS: Final = ("unknown", "n/a", "none", "----", "0 0 0 0")

Answer = Mapping[str, object]


class ExifToolError(Exception):
    """ExifTool could not be run or gave no answer. Never leaves the workflow that asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExifTool:
    """The program, where it stands."""

    path: str

    def read(self, descriptors: Sequence[int]) -> list[Answer]:
        """Give what it says of each open file, in order; the files' positions are neither used nor moved.

        Raises ExifToolError when it fails as a whole; a single file of which it says nothing has an empty answer.
        """
        names = [f"/dev/fd/{descriptor}" for descriptor in descriptors]
        arguments = [*(f"-{tag}" for tag in _TAGS), "-json", "-q", "-q", "-fast", "-charset", "utf8", "--", *names]
        try:
            done = subprocess.run(
                [self.path, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                pass_fds=tuple(descriptors),
                timeout=SECONDS_PER_FILE * len(names),
                check=False,
            )
            found = cast("object", json.loads(done.stdout[: MAX_ANSWER_BYTES * len(names)] or b"[]"))
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            raise ExifToolError(str(error)) from error
        answers = cast("list[object]", found) if isinstance(found, list) else []
        by_name = {
            str(cast("Answer", each).get("SourceFile")): cast("Answer", each)
            for each in answers
            if isinstance(each, dict)
        }
        return [by_name.get(name, {}) for name in names]


def find_exiftool() -> ExifTool | None:
    """Give ExifTool if it is installed."""
    path = shutil.which("exiftool")
    return None if path is None else ExifTool(path=path)


def fill_facts(facts: PictureFacts, answer: Answer, *, is_time_told: bool) -> PictureFacts:
    """Give the facts with what they leave open filled from an answer; ``is_time_told``: the file tells its own time."""
    camera = facts.camera
    taken = facts.capture_time
    if not is_time_told:
        taken = _capture_time(answer) or taken
    return replace(
        facts,
        capture_time=taken,
        duration_seconds=facts.duration_seconds if facts.duration_seconds is not None else _seconds(answer),
        gps=facts.gps or _position(answer),
        camera=replace(
            camera,
            make=camera.make or _text(answer, "Make"),
            model=camera.model or _text(answer, "Model"),
            lens=camera.lens or _lens(answer),
        ),
    )


def _lens(answer: Answer) -> str | None:
    for tag in ("LensModel", "LensID", "Lens", "LensType"):
        text = _text(answer, tag)
        is_name = text is not None and not text.casefold().startswith(_NO_LENS) and not text.isdigit()
        # "A or B or C" means that the maker's number does not tell which.
        if is_name and text is not None and " or " not in text:
            return text
    return None


def _capture_time(answer: Answer) -> CaptureTime | None:
    offset = _text(answer, "OffsetTimeOriginal") or ""
    for tag in ("SubSecDateTimeOriginal", "DateTimeOriginal", "CreationDate", "CreateDate"):
        text = _text(answer, tag)
        taken = parse_capture_time(text, source="exif", offset=offset) if text is not None else None
        if taken is not None:
            return taken
    return None


def _position(answer: Answer) -> GpsPosition | None:
    return checked_position(
        _number(answer, "GPSLatitude"), _number(answer, "GPSLongitude"), _number(answer, "GPSAltitude")
    )


def _seconds(answer: Answer) -> float | None:
    seconds = _number(answer, "Duration")
    return seconds if seconds is not None and 0 < seconds < 10**7 else None


def _text(answer: Answer, tag: str) -> str | None:
    value = answer.get(tag)
    return clean_text(str(value)) if isinstance(value, str | int | float) and not isinstance(value, bool) else None


def _number(answer: Answer, tag: str) -> float | None:
    value = answer.get(tag)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
