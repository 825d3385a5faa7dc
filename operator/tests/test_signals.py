"""Claims about who gets the signals."""

import subprocess
import sys

_PROGRAM = """
import asyncio, os, signal
from soundstrip_operator.signals import hold_signals, wait_for_signal

async def live():
    stop = asyncio.Event()
    waiting = asyncio.create_task(wait_for_signal(stop))
    await asyncio.sleep(0)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, os._exit, 1)  # as kopf does
    os.kill(os.getpid(), signal.SIGTERM)
    await waiting

hold_signals()
asyncio.run(live())
"""


def test_a_signal_is_ours_though_kopf_has_taken_it():
    assert subprocess.run([sys.executable, "-c", _PROGRAM], check=False, timeout=60).returncode == 0
