"""Copies files and folders into an empty root, with the shared libraries that they load.

Usage: closure.py ROOT PATH...

Each keeps its place; links stay links, and what they point to comes along. With a file of a
Debian package come the package's copyright and its entry for those who scan images.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_ELF = b"\x7fELF"
_MERGED = ("bin", "lib", "lib64", "sbin")
_LIBRARY = re.compile(r"(?:=> |^\s*)(/\S+) \(0x")


class Root:
    """A file system in the making."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._taken: set[Path] = set()
        path.mkdir()
        for name in _MERGED:
            link = Path("/", name)
            if link.is_symlink():
                (path / name).symlink_to(link.readlink())

    def take(self, path: Path) -> None:
        """Copy what is there, once, and what it needs."""
        source = path.parent.resolve() / path.name
        if source in self._taken:
            return
        self._taken.add(source)
        copy = self._path / source.relative_to("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink():
            copy.symlink_to(source.readlink())
            if source.exists():
                self.take(source.parent / source.readlink())
        elif source.is_dir():
            copy.mkdir(exist_ok=True)
            for entry in sorted(source.iterdir()):
                self.take(entry)
        else:
            shutil.copy2(source, copy)
            for library in _libraries(source):
                self.take(library)

    def note_packages(self) -> None:
        """Add the papers of the Debian packages that the copied files are of."""
        for package in sorted(_packages(self._taken)):
            name = package.partition(":")[0]
            self.take(Path("/usr/share/doc", name, "copyright"))
            entry = self._path / "var/lib/dpkg/status.d" / name
            entry.parent.mkdir(parents=True, exist_ok=True)
            entry.write_text(_run("dpkg-query", "--status", package))


def _libraries(file: Path) -> Iterator[Path]:
    """What the loader loads for this file: nothing, if it is none of its kind."""
    with file.open("rb") as content:
        if content.read(len(_ELF)) != _ELF:
            return
    answer = _run("ldd", str(file))
    if "not found" in answer:
        raise SystemExit(f"{file}: {answer}")
    for line in answer.splitlines():
        if match := _LIBRARY.search(line):
            yield Path(match[1])


def _packages(files: set[Path]) -> set[str]:
    """Debian lists a library at the place from before /lib became a link, or after it.

    A line that names several owners is of a folder; one with a space tells of a diversion.
    """
    names = {str(file) for file in files}
    names |= {name.removeprefix("/usr") for name in names if name.startswith("/usr/lib")}
    answer = _run("dpkg-query", "--search", *names)
    owners = [line.partition(": ") for line in answer.splitlines()]
    return {owner for owner, _, file in owners if file in names and not set(owner) & set(", ")}


def _run(*command: str) -> str:
    """Return what it prints; an error is a file that is no program, or of no package."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
    return done.stdout


def main() -> None:
    """Fill the root that the command line names."""
    root = Root(Path(sys.argv[1]))
    for path in sys.argv[2:]:
        root.take(Path(path))
    root.note_packages()


if __name__ == "__main__":
    main()
