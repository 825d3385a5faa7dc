"""Starts one of the two containers; each imports no more than it needs, for the pod to be quick."""

import argparse
import os
import sys
from typing import NoReturn

from soundstrip_crds.job import ConverterReport, JobPlan, MoverReport
from soundstrip_crds.names import job_name
from soundstrip_worker.ending import End
from soundstrip_worker.journal import Journal
from soundstrip_worker.life import end_on_bugs, end_on_sigterm, end_when, live
from soundstrip_worker.lifeline import Peer, hold_lock
from soundstrip_worker.settings import (
    HELP,
    SettingsError,
    StorageSettings,
    read_settings,
    read_storage_settings,
)


def main() -> NoReturn:
    """Run the container that the command line names; the exit code is an `ExitCode`, or 2."""
    parser = argparse.ArgumentParser(
        prog="python -m soundstrip_worker",
        description="One of the two containers of a conversion's pod.",
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("role", choices=["mover", "converter"])
    role: str = parser.parse_args().role
    os.umask(0o022)
    try:
        if role == "mover":
            _move(read_storage_settings(os.environ))
        _convert()
    except SettingsError as error:
        parser.error(str(error))


def _move(storage: StorageSettings) -> NoReturn:
    settings = read_settings(os.environ)
    plan, places = settings.plan, settings.places
    journal = _journal("mover", plan)
    end = End(settings.termination_log, journal)
    end_on_sigterm(end, MoverReport)
    end_on_bugs(end, MoverReport, journal)
    hold_lock(places.mover_lock)

    # pymongo takes most of the start: the lock stands before it is loaded.
    from soundstrip_worker.mover import Mover, has_lost  # noqa: PLC0415
    from soundstrip_worker.posting import Observer, Poster  # noqa: PLC0415
    from soundstrip_worker.store import open_store  # noqa: PLC0415

    converter = Peer("converter", places.converter_lock, patience=settings.peer_seconds)
    end_when(lambda: has_lost(converter, places), converter.lost, end, MoverReport)
    observer = Observer(places, plan.output.trim)
    if storage.progress_url:
        Poster(storage.progress_url, storage.progress_token, observer, journal).start()
    database = open_store(storage.mongo_uri, storage.mongo_db)
    mover = Mover(plan, places, database, observer=observer, journal=journal)
    live(mover.run, end, lambda message: MoverReport(message=message, stages=mover.stages))


def _convert() -> NoReturn:
    settings = read_settings(os.environ)
    places = settings.places
    journal = _journal("converter", settings.plan)
    end = End(settings.termination_log, journal)

    from soundstrip_worker.children import Children, bound_memory  # noqa: PLC0415

    children = Children()
    end_on_sigterm(end, ConverterReport, children.kill)
    end_on_bugs(end, ConverterReport, journal)
    hold_lock(places.converter_lock)

    from soundstrip_worker.landlock import confine, converter_rules  # noqa: PLC0415

    confine(converter_rules(places, settings.termination_log, _code()), journal)
    bound_memory()

    # ffmpeg-python takes a tenth of a second: the lock stands before it is loaded.
    from soundstrip_worker.converter import Converter  # noqa: PLC0415

    mover = Peer("mover", places.mover_lock, patience=settings.peer_seconds)
    converter = Converter(settings.plan, places, mover=mover, children=children, journal=journal)
    live(
        converter.run,
        end,
        lambda message: ConverterReport(message=message, media=converter.media),
    )


def _code() -> list[str]:
    """Return where Python finds its modules, and the system its programs."""
    return [sys.prefix, sys.base_prefix, *sys.path, *os.get_exec_path()]


def _journal(role: str, plan: JobPlan) -> Journal:
    return Journal(
        f"soundstrip_worker.{role}",
        conversion=plan.conversion,
        run=plan.run,
        attempt=plan.try_number,
        job=job_name(plan.conversion, plan.uid, plan.run, plan.try_number),
    )
