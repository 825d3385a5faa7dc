"""What the environment says to each container."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from soundstrip_crds.job import OUTPUT_DIRECTORY, PLAN_VARIABLE, SOURCE_DIRECTORY, JobPlan
from soundstrip_worker.places import Places

HELP = f"""\
environment of both:
  {PLAN_VARIABLE}      the JobPlan as JSON (required)
  SOURCE_DIRECTORY     where the mover puts the source ({SOURCE_DIRECTORY})
  OUTPUT_DIRECTORY     where the converter puts the audio ({OUTPUT_DIRECTORY})
  TERMINATION_LOG      where the report for the operator goes (/dev/termination-log)
  PEER_SECONDS         how long the other container may take to appear (120)

environment of the mover alone:
  MONGO_URI            connection string (required)
  MONGO_DB             the database (soundstrip)
  PROGRESS_URL         where progress is posted; none is, if it is not set
  PROGRESS_TOKEN       bearer token for it
"""


class SettingsError(Exception):
    """The environment is not usable; the sentence says which variables, never their values."""


class Settings(msgspec.Struct, frozen=True):
    """What both containers are told."""

    plan: JobPlan
    places: Places
    termination_log: Path
    peer_seconds: float


class StorageSettings(msgspec.Struct, frozen=True):
    """What the mover alone is told."""

    mongo_uri: str
    mongo_db: str
    progress_url: str | None
    progress_token: str


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read what both need.

    Raises:
        SettingsError: Naming what is missing or malformed.
    """
    _require(environ, PLAN_VARIABLE)
    return Settings(
        plan=_plan(environ[PLAN_VARIABLE]),
        places=Places(
            source=Path(environ.get("SOURCE_DIRECTORY", SOURCE_DIRECTORY)),
            output=Path(environ.get("OUTPUT_DIRECTORY", OUTPUT_DIRECTORY)),
        ),
        termination_log=Path(environ.get("TERMINATION_LOG", "/dev/termination-log")),
        peer_seconds=_seconds(environ.get("PEER_SECONDS", "120")),
    )


def read_storage_settings(environ: Mapping[str, str]) -> StorageSettings:
    """Read what the mover needs besides.

    Raises:
        SettingsError: Naming all that the mover misses, the plan included.
    """
    _require(environ, PLAN_VARIABLE, "MONGO_URI")
    return StorageSettings(
        mongo_uri=environ["MONGO_URI"],
        mongo_db=environ.get("MONGO_DB", "soundstrip"),
        progress_url=_url(environ.get("PROGRESS_URL", "")),
        progress_token=environ.get("PROGRESS_TOKEN", ""),
    )


def _require(environ: Mapping[str, str], *names: str) -> None:
    missing = [name for name in names if not environ.get(name)]
    if missing:
        raise SettingsError(f"missing environment variables: {', '.join(missing)}")


def _url(text: str) -> str | None:
    try:
        address = urlsplit(text)
        usable = address.scheme == "http" and address.hostname and address.port != 0
    except ValueError:
        usable = False
    if text and not usable:
        raise SettingsError("PROGRESS_URL is no http:// address")
    return text or None


def _plan(text: str) -> JobPlan:
    try:
        return msgspec.json.decode(text, type=JobPlan)
    except msgspec.DecodeError as error:
        raise SettingsError(f"{PLAN_VARIABLE} is malformed: {error}") from error


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise SettingsError("PEER_SECONDS is no number") from error
