"""The FFmpeg that the worker image ships: static programs, which run on this host as they are.

With WORKER_ARCHITECTURE=arm64 images for those machines are meant (`make arm64`): the kernel runs
their programs by an emulator.
"""

import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

import yaml
from tests.containers import docker

PROGRAMS = ("ffmpeg", "ffprobe")

ARCHITECTURE = os.environ.get("WORKER_ARCHITECTURE", "")
"""Which machines' images are meant; empty: this one's."""

PLATFORM = (f"--platform=linux/{ARCHITECTURE}",) if ARCHITECTURE else ()
"""What `docker run` is to be told of them."""

_ROOT = Path(__file__).parents[1]
_TAGS = _ROOT / (
    f"build/images/{ARCHITECTURE}.yaml" if ARCHITECTURE else "charts/soundstrip/files/images.yaml"
)


def built(name: str) -> str | None:
    """Return what hack/images/build has last called this image; None if it has built none."""
    name += f"-{ARCHITECTURE}" if ARCHITECTURE else ""
    tag = yaml.safe_load(_TAGS.read_text()).get(name) if _TAGS.exists() else None
    return tag and f"soundstrip/{name}:{tag}"


@cache
def shipped() -> Path:
    """Return the folder of the programs, which are copied out of the image once.

    Images that were built with Debian's package have no such: then it is the host's own.
    """
    assert built("worker"), f"There are no images yet. Run: make {ARCHITECTURE or 'images'}"
    image = built("ffmpeg")
    if image is None:
        return _folder_of("ffmpeg")
    digest = docker("image", "inspect", "--format={{.Id}}", image).removeprefix("sha256:")
    folder = _caches() / "ffmpeg" / digest[:12]
    if not folder.exists():
        _copy_out(image, folder)
    return folder


def _folder_of(program: str) -> Path:
    found = shutil.which(program)
    assert found, f"{program} is not installed"
    return Path(found).parent


def _caches() -> Path:
    caches = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return Path(os.environ.get("SOUNDSTRIP_CACHE", caches / "soundstrip"))


def _copy_out(image: str, folder: Path) -> None:
    """Several test processes may do so at once: a folder appears when it is whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
    container = docker("create", *PLATFORM, image, "ffmpeg")
    for program in PROGRAMS:
        docker("cp", f"{container}:/usr/bin/{program}", str(draft))
    docker("rm", container)
    draft.chmod(0o755)
    try:
        draft.rename(folder)
    except OSError:
        shutil.rmtree(draft)  # Another was first.
