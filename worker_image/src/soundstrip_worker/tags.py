"""What a file says of itself: its tags and chapters, as FFmpeg's `-metadata` takes them.

All is read from the source and written anew, word by word: so nothing comes along that was not
looked at, and a tag is never more than text.
"""

from collections.abc import Iterator
from itertools import islice

import msgspec

from soundstrip_crds.audio import Tags, Trim
from soundstrip_worker.answers import Chapter, Probe
from soundstrip_worker.fields import clean_text
from soundstrip_worker.formats import FILES, Chapters
from soundstrip_worker.recipe import MOST_CHAPTERS, Recipe


def write_tags(recipe: Recipe, probe: Probe) -> list[str]:
    """Return `key=value` for each tag: those that are asked for, else the source's."""
    words = probe.tags | _asked_for(recipe.output.metadata)
    if FILES[recipe.file_type].chapters is Chapters.COMMENTS:
        words |= dict(islice(_comments(recipe.output.trim, probe), 2 * MOST_CHAPTERS))
    return [f"{key}={text}" for key, text in words.items()]


def _asked_for(tags: Tags | None) -> dict[str, str]:
    said = msgspec.structs.asdict(tags) if tags else {}
    return {key: clean_text(text) for key, text in said.items() if text}


def _comments(trim: Trim | None, probe: Probe) -> Iterator[tuple[str, str]]:
    """The chapters of the part that is taken, as Vorbis comments name them."""
    start = trim.start if trim else 0.0
    end = start + trim.duration if trim and trim.duration is not None else float("inf")
    taken = (each for each in probe.chapters if each.end > start and each.start < end)
    for number, chapter in enumerate(taken):
        name = f"CHAPTER{number:03}"
        yield name, _time(chapter, start)
        yield f"{name}NAME", chapter.title or f"{number + 1}"


def _time(chapter: Chapter, start: float) -> str:
    milliseconds = round(max(0.0, chapter.start - start) * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest / 1000:06.3f}"
