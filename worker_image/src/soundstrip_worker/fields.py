"""The texts of ffprobe's fields, read as what they say."""

from soundstrip_worker.progress import parse_number


def read_clock(text: str) -> float | None:
    """Read Matroska's `HH:MM:SS.fraction`, where a track ends."""
    hours, _, rest = text.partition(":")
    minutes, _, seconds = rest.partition(":")
    parts = [parse_number(part) for part in (hours, minutes, seconds)]
    if None in parts:
        return None
    return sum(part * unit for part, unit in zip(parts, (3600, 60, 1), strict=True) if part)


def read_offset(text: str) -> float:
    """Read a time that may be negative; 0 if it is none."""
    sign = -1 if text.startswith("-") else 1
    return sign * (parse_number(text.removeprefix("-")) or 0.0)


def read_whole_number(text: str) -> int | None:
    """Read a positive number without its fraction."""
    number = parse_number(text)
    return int(number) if number else None


def clean_word(text: str) -> str:
    """Return the text on one line, without control characters, in 63 characters at most."""
    return "".join(c for c in text if c.isprintable())[:63].strip()


def clean_text(text: str) -> str:
    """Return the text without control characters, but with its line breaks."""
    return "".join(c for c in text if c.isprintable() or c == "\n").strip()
