import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstrip_gateway.resumable.protocol import (
    About,
    check_version,
    parse_about,
    parse_length,
    parse_number,
    parse_proof,
)
from soundstrip_service.problems import Problem


def encode(words: dict[str, str]) -> str:
    return ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in words.items())


@given(st.dictionaries(st.sampled_from(["title", "format", "bitrate"]), st.text(max_size=20)))
def test_metadata_are_read_as_they_were_written(words: dict[str, str]):
    about = parse_about(encode(words | {"filename": "Käse.mp4", "filetype": "video/mp4"}))
    assert about == About("Käse.mp4", "video/mp4", words)


def test_what_public_clients_send_of_themselves_asks_for_nothing():
    sent = {"relativePath": "null", "name": "a.mp4", "type": "video/mp4"}
    assert parse_about(encode(sent)) == About("a.mp4", "video/mp4", {})
    assert parse_about(None) == parse_about("") == About(None, None, {})


@pytest.mark.parametrize("text", ["filename ?", "filename /w==", "filename a"])
def test_metadata_that_can_not_be_read_are_refused(text: str):
    with pytest.raises(Problem) as caught:
        parse_about(text)
    assert caught.value.status == 400


@given(st.integers(0, 10**18 - 1))
def test_a_number_is_read(number: int):
    assert parse_number("Upload-Offset", str(number)) == number


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.0", "1e3", " 1", "٣", "1" * 19, "x"])
def test_what_is_no_number_is_refused(text: str):
    with pytest.raises(Problem) as caught:
        parse_number("Upload-Offset", text)
    assert caught.value.status == 400


def test_a_length_is_told_now_or_later_but_not_both():
    assert parse_length("5", None) == 5
    assert parse_length(None, "1") is None
    for length, deferred in [(None, None), ("5", "1"), (None, "0")]:
        with pytest.raises(Problem):
            parse_length(length, deferred)


def test_a_checksum_holds_for_its_bytes_alone():
    digest = base64.b64encode(hashlib.sha256(b"abc").digest()).decode()
    for data, holds in [((b"a", b"bc"), True), ((b"abd",), False)]:
        proof = parse_proof(f"sha256 {digest}")
        assert proof is not None
        for piece in data:
            proof.update(piece)
        assert proof.holds is holds
    assert parse_proof(None) is None
    with pytest.raises(Problem):
        parse_proof("crc32 AAAA")


def test_another_version_is_refused_and_told_which_there_is():
    check_version("1.0.0")
    with pytest.raises(Problem) as caught:
        check_version("0.2.2")
    assert (caught.value.status, caught.value.headers["Tus-Version"]) == (412, "1.0.0")
