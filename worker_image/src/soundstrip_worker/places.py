"""The files that mover and converter exchange: the protocol of docs/architecture.md."""

from pathlib import Path

import msgspec


class Places(msgspec.Struct, frozen=True):
    """The two directories that both containers see; each may write to one of them."""

    source: Path
    output: Path

    @property
    def mover_lock(self) -> Path:
        """Locked for as long as the mover lives."""
        return self.source / "mover.lock"

    @property
    def media(self) -> Path:
        """The source: complete and checked, or, if there are ranges, what is in them."""
        return self.source / "media"

    @property
    def ranges(self) -> Path:
        """Which bytes of the source are there, as JSON; appears before it, if not all are."""
        return self.source / "media.ranges"

    @property
    def whole(self) -> Path:
        """Appears, empty, when the holes are filled and the source is checked."""
        return self.source / "media.whole"

    @property
    def stored(self) -> Path:
        """Appears if the result is stored already: there is nothing to convert."""
        return self.source / "stored"

    @property
    def converter_lock(self) -> Path:
        """Locked for as long as the converter lives."""
        return self.output / "converter.lock"

    @property
    def wanted(self) -> Path:
        """Appears, empty, if the converter wants the holes filled."""
        return self.output / "whole.wanted"

    @property
    def progress(self) -> Path:
        """What FFmpeg's `-progress` writes."""
        return self.output / "progress"

    @property
    def pass_progress(self) -> Path:
        """What FFmpeg's `-progress` writes where it runs more than once; `progress` sums it up."""
        return self.output / "pass.progress"

    @property
    def media_report(self) -> Path:
        """What ffprobe found, as `Media`."""
        return self.output / "media.json"

    @property
    def result(self) -> Path:
        """The audio; complete when the report is there."""
        return self.output / "result"

    def segment(self, number: int) -> Path:
        """A part of the audio that is yet to be joined to the result."""
        return self.output / f"segment-{number}"

    def segment_progress(self, number: int) -> Path:
        """What FFmpeg's `-progress` writes for a part."""
        return self.output / f"segment-{number}.progress"

    @property
    def report(self) -> Path:
        """The `ConverterReport`, written last."""
        return self.output / "report.json"


def publish(path: Path, content: bytes) -> None:
    """Let a file appear whole, readable by the other container's user."""
    draft = path.with_name(f".{path.name}.part")
    draft.write_bytes(content)
    draft.chmod(0o644)
    draft.rename(path)
