import pytest

from soundstrip_crds.conversion import Source
from soundstrip_gateway.batch_orders import build_batch, charges_of, name_children, parse_terms
from soundstrip_gateway.orders import decode_orders, encode_orders
from soundstrip_gateway.tokens import Caller
from soundstrip_gateway.wishes import WishRefused

ANN = Caller("ann", "Ann", None, admin=False)
SOURCES = tuple(
    Source(
        file_id=f"{number:024x}",
        filename="a.mp4",
        size=10,
        content_type="video/mp4",
        sha256="0" * 64,
        duration_seconds=seconds,
    )
    for number, seconds in enumerate((60.0, None))
)
FIELDS = {
    "profiles": "voice, high",
    "parallelism": "2",
    "failurePolicy": "FailFast",
    "suspend": "true",
    "priority": "-3",
    "notify": "true",
}


def test_a_forms_fields_say_what_json_does():
    terms = parse_terms(FIELDS)
    assert terms.profiles == ["voice", "high"]
    assert (terms.parallelism, terms.failure_policy, terms.suspend) == (2, "FailFast", True)
    assert (terms.priority, terms.notify.email) == (-3, True)
    assert parse_terms({}).failure_policy == "Continue"


@pytest.mark.parametrize(
    "fields", [{"bitrate": "192k"}, {"parallelism": "0"}, {"suspend": "maybe"}, {"notify": "x"}]
)
def test_a_field_that_means_nothing_is_refused(fields: dict[str, str]):
    with pytest.raises(WishRefused):
        parse_terms(fields)


def test_each_conversion_of_a_batch_is_charged_what_its_own_source_takes():
    batch = build_batch(ANN, parse_terms(FIELDS), SOURCES, "key")
    charges = charges_of(batch)
    assert [charge.seconds for charge in charges] == [60.0, 60.0, None, None]
    assert len({charge.key for charge in charges}) == len(charges)
    assert len(set(name_children(batch))) == len(charges)


def test_the_same_key_names_the_same_batch_and_no_key_never_does():
    terms = parse_terms({})
    names = [build_batch(ANN, terms, SOURCES, key).metadata.name for key in ("k", "k", "", "")]
    assert names[0] == names[1]
    assert len(set(names)) == 3


def test_a_batch_that_an_intent_has_kept_is_the_same():
    batch = build_batch(ANN, parse_terms(FIELDS), SOURCES, "key")
    assert decode_orders(encode_orders([batch])) == (batch,)
