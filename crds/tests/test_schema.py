"""The CRD's YAML and the Python types say the same, field by field, in both directions."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from soundstrip_crds.batch import BatchSpec, BatchStatus
from soundstrip_crds.conversion import Spec, Status
from soundstrip_crds.names import (
    BATCH_KIND,
    BATCH_PLURAL,
    GROUP,
    KIND,
    PLURAL,
    PROFILE_KIND,
    PROFILE_PLURAL,
    VERSION,
)
from soundstrip_crds.profile import ProfileSpec

Schema = dict[str, Any]

_CRDS = Path(__file__).parents[1]
_CHARTS_CRDS = _CRDS.parent / "charts/soundstrip/files/crds"

_BOUNDS = {
    "minimum": "minimum",
    "maximum": "maximum",
    "minLength": "minLength",
    "maxLength": "maxLength",
    "minItems": "minItems",
    "maxItems": "maxItems",
    "maxProperties": "maxProperties",
    "pattern": "pattern",
}

_PARTS_OF_A_SCHEMA = {"items", "additionalProperties"}


def read_crd(plural: str) -> Schema:
    body: Schema = yaml.safe_load((_CRDS / f"{GROUP}_{plural}.yaml").read_text())
    return body


def read_schema(plural: str) -> Schema:
    version = read_crd(plural)["spec"]["versions"][0]
    properties: Schema = version["schema"]["openAPIV3Schema"]["properties"]
    return properties


def describe_yaml(schema: Schema) -> Schema:
    """Reduce a schema of the CRD to what both sides can say."""
    told = _common(schema)
    if "properties" in schema:
        told["properties"] = {k: describe_yaml(v) for k, v in schema["properties"].items()}
        told["required"] = sorted(schema.get("required", []))
    for part in _PARTS_OF_A_SCHEMA & schema.keys():
        told[part] = describe_yaml(schema[part])
    return told


def describe_python(kind: type) -> Schema:
    """Reduce the JSON schema of a type to the same."""
    schema = msgspec.json.schema(kind)
    return _describe_python(schema, schema.get("$defs", {}))


def _describe_python(schema: Schema, definitions: Schema) -> Schema:
    default = schema.get("default")
    schema = _resolve(schema, definitions)
    told = _common(schema)
    told.pop("default", None)
    is_empty_collection = not default and _PARTS_OF_A_SCHEMA & schema.keys()
    if default is not None and not is_empty_collection:  # which is one that is left out
        told["default"] = default
    if "properties" in schema:
        described = {k: _describe_python(v, definitions) for k, v in schema["properties"].items()}
        told["properties"] = described
        told["required"] = sorted(schema.get("required", []))
    for part in _PARTS_OF_A_SCHEMA & schema.keys():
        told[part] = _describe_python(schema[part], definitions)
    return told


def _resolve(schema: Schema, definitions: Schema) -> Schema:
    """Follow references, and read `X or None` as an optional X."""
    if "anyOf" in schema:
        schema = next(one for one in schema["anyOf"] if one.get("type") != "null")
    if "$ref" in schema:
        return _resolve(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return schema


def _common(schema: Schema) -> Schema:
    told: Schema = {ours: schema[theirs] for theirs, ours in _BOUNDS.items() if theirs in schema}
    if "enum" in schema:
        told["enum"] = sorted(schema["enum"])
    told["type"] = schema.get("type") or _type_of(schema.get("enum"))
    if "default" in schema:
        told["default"] = schema["default"]
    if schema.get("format") == "date-time":
        told["format"] = "date-time"
    return told


def _type_of(choices: list[str] | list[int] | None) -> str:
    if not choices:
        return "object"
    return "integer" if isinstance(choices[0], int) else "string"


PARTS = {
    (PLURAL, "spec"): Spec,
    (PLURAL, "status"): Status,
    (PROFILE_PLURAL, "spec"): ProfileSpec,
    (BATCH_PLURAL, "spec"): BatchSpec,
    (BATCH_PLURAL, "status"): BatchStatus,
}
KINDS = {PLURAL: KIND, PROFILE_PLURAL: PROFILE_KIND, BATCH_PLURAL: BATCH_KIND}


@pytest.mark.parametrize(("plural", "part"), PARTS)
def test_each_part_is_the_same_in_yaml_and_in_python(plural: str, part: str):
    assert describe_yaml(read_schema(plural)[part]) == describe_python(PARTS[plural, part])


@pytest.mark.parametrize(("plural", "kind"), KINDS.items())
def test_the_names_are_the_ones_that_the_code_uses(plural: str, kind: str):
    crd = read_crd(plural)
    spec = crd["spec"]
    assert (spec["group"], spec["names"]["kind"], spec["names"]["plural"]) == (GROUP, kind, plural)
    assert [version["name"] for version in spec["versions"]] == [VERSION]
    assert crd["metadata"]["name"] == f"{plural}.{GROUP}"


@pytest.mark.parametrize(("plural", "part"), PARTS)
def test_every_field_is_described_and_bounded(plural: str, part: str):
    for path, field in walk(part, read_schema(plural)[part]):
        assert field.get("description") or path.endswith("[]"), path
        if field["type"] == "string" and not {"enum", "format"} & field.keys():
            assert "maxLength" in field, path
        if field["type"] == "array":
            assert "maxItems" in field, path
        if "additionalProperties" in field:
            assert "maxProperties" in field, path


def walk(path: str, schema: Schema) -> list[tuple[str, Schema]]:
    found = [(path, schema)]
    for name, field in schema.get("properties", {}).items():
        found += walk(f"{path}.{name}", field)
    for part in _PARTS_OF_A_SCHEMA & schema.keys():
        found += walk(f"{path}[]", schema[part])
    return found


def test_the_chart_installs_these_crds_and_no_others():
    ours = {path.name: path.read_text() for path in _CRDS.glob("*.yaml")}
    assert ours == {path.name: path.read_text() for path in _CHARTS_CRDS.iterdir()}
