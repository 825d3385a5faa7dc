import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from soundstrip_worker.lifeline import Peer, PeerState, hold_lock


def test_a_lock_appears_already_locked(tmp_path: Path):
    descriptor = hold_lock(tmp_path / "lock")
    with (tmp_path / "lock").open() as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)
    os.close(descriptor)


def test_a_child_does_not_inherit_the_lock(tmp_path: Path):
    descriptor = hold_lock(tmp_path / "lock")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        peer = Peer("other", tmp_path / "lock", patience=60)
        assert peer.state() is PeerState.ALIVE
        os.close(descriptor)
        assert peer.state() is PeerState.GONE
        child.kill()


def test_a_peer_that_lets_go_is_gone_for_good(tmp_path: Path):
    descriptor = hold_lock(tmp_path / "lock")
    peer = Peer("other", tmp_path / "lock", patience=60)
    assert peer.state() is PeerState.ALIVE
    os.close(descriptor)
    assert peer.state() is PeerState.GONE
    descriptor = hold_lock(tmp_path / "lock")
    assert peer.state() is PeerState.GONE
    assert "ended early" in peer.lost().message
    os.close(descriptor)


def test_a_peer_is_awaited_only_as_long_as_patience_lasts(tmp_path: Path):
    assert Peer("other", tmp_path / "lock", patience=60).state() is PeerState.AWAITED
    late = Peer("other", tmp_path / "lock", patience=-1)
    assert late.state() is PeerState.GONE
    assert "did not appear" in late.lost().message


def test_a_symlink_or_a_fifo_is_no_lock(tmp_path: Path):
    descriptor = hold_lock(tmp_path / "real")
    (tmp_path / "lock").symlink_to(tmp_path / "real")
    assert Peer("other", tmp_path / "lock", patience=60).state() is PeerState.AWAITED
    os.mkfifo(tmp_path / "fifo")
    assert Peer("other", tmp_path / "fifo", patience=60).state() is PeerState.AWAITED
    os.close(descriptor)
