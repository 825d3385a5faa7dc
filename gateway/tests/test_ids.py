from hypothesis import example, given
from hypothesis import strategies as st

from soundstrip_crds.names import conversion_name
from soundstrip_gateway.ids import parse_conversion_id

FILE_IDS = st.from_regex(r"\A[0-9a-f]{24}\Z")


@given(FILE_IDS)
def test_a_file_id_and_its_conversions_name_mean_the_same(file_id: str):
    assert parse_conversion_id(file_id) == conversion_name(file_id)
    assert parse_conversion_id(conversion_name(file_id)) == conversion_name(file_id)


@given(FILE_IDS, st.from_regex(r"\A[0-9a-f]{8}\Z"))
def test_a_further_output_has_a_name_of_its_own(file_id: str, digest: str):
    name = f"{conversion_name(file_id)}-{digest}"
    assert parse_conversion_id(name) == name


@given(st.text())
@example("a" * 24 + "\n")
@example("vc-" + "a" * 23)
@example("A" * 24)
@example("../" + "a" * 24)
@example("\u0660" * 24)
def test_nothing_else_reaches_the_api_server(text: str):
    name = parse_conversion_id(text)
    assert name is None or (name.isascii() and text in {name, name.removeprefix("vc-")})
