import json
from typing import Any

import pytest

from soundstrip_gateway.apiserver import read_rule


def _status(*causes: tuple[str, str]) -> bytes:
    told = [{"reason": "FieldValueInvalid", "message": m, "field": f} for f, m in causes]
    status: dict[str, Any] = {"kind": "Status", "code": 422, "message": "It is invalid."}
    return json.dumps(status | {"details": {"causes": told}}).encode()


@pytest.mark.parametrize(
    ("causes", "sentence"),
    [
        (
            [("spec.output", 'Invalid value: "object": give bitrate or quality, not both')],
            "Give bitrate or quality, not both.",
        ),
        (
            [("<nil>", 'Invalid value: "object": spec.run goes up by exactly one')],
            "Spec.run goes up by exactly one.",
        ),
        (
            [
                ("spec.priority", "Invalid value: 5000: should be less than or equal to 1000"),
                ("<nil>", "Invalid value: null: some rules were not checked"),
            ],
            "Should be less than or equal to 1000.",
        ),
        (
            [("spec.output.format", 'Unsupported value: "xyz": supported values: "mp3"')],
            'Spec.output.format: Unsupported value: "xyz": supported values: "mp3".',
        ),
        ([], "It is invalid."),
    ],
)
def test_a_broken_rule_is_told_in_its_own_words(causes: list[tuple[str, str]], sentence: str):
    assert read_rule(_status(*causes)) == sentence


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b'{"details": 3}'])
def test_what_is_no_status_says_nothing(content: bytes):
    assert read_rule(content) == ""
