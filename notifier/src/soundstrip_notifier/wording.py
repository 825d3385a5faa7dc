"""What a person is told: pure functions from an event to words."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from soundstrip_crds.conversion import Result
from soundstrip_crds.events import ConversionFinished
from soundstrip_crds.reasons import REMEDY, Reason

_SUBJECT_NAME_LIMIT = 80
_FACT_WIDTH = 12


@dataclass(frozen=True)
class Wording:
    """A message's words, from which both its text and its HTML are made."""

    subject: str
    paragraphs: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    link: str | None = None
    command: str | None = None


def describe_success(data: ConversionFinished, result: Result, public_url: str) -> Wording:
    """Say that the audio is there, what it is, what of it is not as asked for, how to get it."""
    name = clean_line(result.filename)
    kind = name.rpartition(".")[2]
    link = download_link(public_url, data.source_file_id)
    note = clean_line(data.message).removesuffix(REMEDY[Reason.SUCCEEDED]).strip()
    return Wording(
        subject=f"Your audio is ready: {shorten(name)}",
        paragraphs=(
            f"Hello {clean_line(data.owner.name)},",
            f'"{clean_line(data.filename)}" was converted to {kind.upper()}.',
            f"{kind} file_id: {clean_line(data.source_file_id)} is now ready!",
            *((note,) if note else ()),
        ),
        facts=(
            ("File", name),
            ("Length", format_duration(result.duration_seconds)),
            ("Size", format_size(result.size)),
            ("Bit rate", f"{round(result.bitrate / 1000)} kbit/s"),
        ),
        link=link,
        command=f"curl -OJ -H \"Authorization: Bearer $TOKEN\" '{link}'",
    )


def describe_failure(data: ConversionFinished) -> Wording:
    """Say that there will be no audio, why, and what can be done."""
    name = clean_line(data.filename)
    why = clean_line(data.message)
    remedy = REMEDY[data.reason]
    return Wording(
        subject=f"Your video could not be converted: {shorten(name)}",
        paragraphs=(
            f"Hello {clean_line(data.owner.name)},",
            f'"{name}" could not be converted.',
            *((why,) if why and remedy not in why else ()),
            remedy if remedy not in why else why,
        ),
        facts=(
            ("Reason", data.reason.value),
            ("Conversion", clean_line(data.name)),
            ("File id", clean_line(data.source_file_id)),
        ),
    )


def download_link(public_url: str, file_id: str) -> str:
    """Return the address of the legacy download route for this upload."""
    return f"{public_url.rstrip('/')}/download?fid={quote(file_id, safe='')}"


def clean_line(text: str) -> str:
    """Return the text as one line of visible characters.

    Line breaks, other control characters and those that turn the direction of text become spaces:
    a file name cannot add a header, a line, or the looks of another name.
    """
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def shorten(text: str, limit: int = _SUBJECT_NAME_LIMIT) -> str:
    """Return at most this many characters, the last an ellipsis if some are left out."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def format_duration(seconds: float) -> str:
    """Return `m:ss` or `h:mm:ss`, rounded to a second."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def format_size(size: int) -> str:
    """Return a size in decimal units with the bytes behind it."""
    if size < 1000:  # noqa: PLR2004 - where kilobytes begin
        return f"{size} bytes"
    scaled, unit = size / 1000, "kB"
    for larger in ("MB", "GB", "TB"):
        if scaled < 999.95:  # noqa: PLR2004 - it would read 1000.0
            break
        scaled, unit = scaled / 1000, larger
    return f"{scaled:.1f} {unit} ({size:,} bytes)"


def write_text(wording: Wording) -> str:
    """Return the words as plain text."""
    return "\n".join(_text_lines(wording)) + "\n"


def _text_lines(wording: Wording) -> Iterator[str]:
    for paragraph in wording.paragraphs:
        yield from (paragraph, "")
    yield from (f"  {name:<{_FACT_WIDTH}}{value}" for name, value in wording.facts)
    if wording.link:
        yield from ("", f"Download: {wording.link}")
    if wording.command:
        yield from ("", "With your token in $TOKEN:", "", f"  {wording.command}")
    yield from ("", "-- ", "Soundstrip sent this by itself; nobody reads answers to it.")


def write_html(wording: Wording) -> str:
    """Return the same words as a small HTML page that loads nothing."""
    body = "\n".join(_html_blocks(wording))
    return (
        '<!doctype html>\n<html lang="en"><body style="font-family:sans-serif">\n'
        f"{body}\n</body></html>\n"
    )


def _html_blocks(wording: Wording) -> Iterator[str]:
    yield from (f"<p>{escape(paragraph)}</p>" for paragraph in wording.paragraphs)
    rows = (
        f'<tr><th align="left">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in wording.facts
    )
    yield f'<table cellpadding="4">{"".join(rows)}</table>'
    if wording.link:
        yield f'<p><a href="{escape(wording.link)}">Download</a></p>'
    if wording.command:
        yield f"<p>With your token in $TOKEN:</p><pre>{escape(wording.command)}</pre>"
    yield "<p><small>Soundstrip sent this by itself; nobody reads answers to it.</small></p>"
