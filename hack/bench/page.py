"""docs/benchmarks.md, of which a bench can renew its own section."""

import platform
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"


def renew_section(heading: str, section: str) -> None:
    """Put the section in the place of the one with this heading, or at the page's end."""
    before, _, rest = PAGE.read_text().partition(heading)
    _, mark, after = rest.partition("\n## ")
    PAGE.write_text(f"{before.rstrip()}\n\n{section.rstrip()}\n{mark}{after}")


def describe_machine() -> str:
    """Say in a few words what this machine is."""
    cpuinfo = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.split(":")[1].strip() for line in cpuinfo if line.startswith("model name")]
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 1024**2
    cores = f"{len(models)} cores of {models[0] if models else platform.machine()}"
    return f"{cores}, {memory:.0f} GiB of memory, Linux {platform.release().split('-')[0]}, shared"
