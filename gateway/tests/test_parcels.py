import hashlib

import pytest

from soundstrip_gateway.forms import Data, Field, FileStart
from soundstrip_gateway.parcels import Parcels, hash_files
from soundstrip_service.problems import Problem

VIDEO = b"\x00\x00\x00\x18ftypisom" + bytes(100)
EVENTS = (
    Field("suspend", "true"),
    FileStart("a.mp4"),
    Data(VIDEO),
    Data(bytes(2000)),
    Data(b"end"),
    Field("profiles", "voice"),
    FileStart("b.mp4"),
    Field("profiles", "high"),
)


def test_files_come_apart_and_the_fields_beside_them_are_noted_as_they_come():
    parcels = Parcels(iter(EVENTS), joins=True)
    seen = []
    for parcel in parcels:
        fields = dict(parcels.fields)
        seen.append((parcel.start.filename, parcel.head + b"".join(parcel.chunks), fields))
    assert seen == [
        ("a.mp4", VIDEO + bytes(2000) + b"end", {"suspend": "true"}),
        ("b.mp4", b"", {"suspend": "true", "profiles": "voice,high"}),
    ]


def test_a_file_that_is_not_read_to_its_end_is_passed_over():
    assert [parcel.start.filename for parcel in Parcels(iter(EVENTS))] == ["a.mp4", "b.mp4"]


def test_without_joining_the_last_of_two_fields_counts():
    parcels = Parcels(iter(EVENTS))
    assert list(parcels)
    assert parcels.fields == {"suspend": "true", "profiles": "high"}


def test_each_file_is_judged_by_itself():
    first, second = Parcels(iter(EVENTS))
    assert first.judge() == "video/mp4"
    with pytest.raises(Problem, match="empty"):
        second.judge()


def test_files_are_hashed_one_by_one():
    wanted = [VIDEO + bytes(2000) + b"end", b""]
    assert list(hash_files(iter(EVENTS))) == [hashlib.sha256(data).hexdigest() for data in wanted]
