import threading
from concurrent.futures import ThreadPoolExecutor

from argon2 import extract_parameters

from soundstrip_auth import passwords
from soundstrip_auth.passwords import Passwords


def test_a_password_matches_its_hash_alone():
    hasher = Passwords()
    stored = hasher.hash("correct horse")
    assert hasher.matches("correct horse", stored)
    assert not hasher.matches("correct horse ", stored)
    assert not hasher.matches("", stored)


def test_the_same_password_has_another_hash_each_time():
    hasher = Passwords()
    assert hasher.hash("correct horse") != hasher.hash("correct horse")


def test_hashes_are_argon2id_with_owasps_parameters():
    found = extract_parameters(Passwords().hash("correct horse"))
    assert (found.type.name, found.memory_cost, found.time_cost) == ("ID", 19456, 2)


def test_nobodys_password_never_matches():
    assert not Passwords().matches("nobody", None)


def test_no_more_hashes_at_once_than_there_is_memory_for():
    hasher = Passwords()
    inner, most, running, lock = hasher._hasher, [0], [0], threading.Lock()
    all_are_there = threading.Barrier(passwords.CONCURRENT)

    class Counting:
        def hash(self, password: str) -> str:
            with lock:
                running[0] += 1
                most[0] = max(most[0], running[0])
            all_are_there.wait(60)
            try:
                return inner.hash(password)
            finally:
                with lock:
                    running[0] -= 1

    hasher._hasher = Counting()  # type: ignore[assignment]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(hasher.hash, ["correct horse"] * 16))
    assert most[0] == passwords.CONCURRENT
