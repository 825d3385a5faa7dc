"""Profiles: the names that an output can be asked for by."""

from collections.abc import Iterable
from typing import Annotated

import flask
import msgspec
from msgspec import Meta

from soundstrip_crds.audio import Encoding, ProfileName
from soundstrip_crds.profile import BUILT_IN, ConversionProfile, choose_default
from soundstrip_gateway.callers import identify
from soundstrip_gateway.parts import Parts
from soundstrip_gateway.refusals import not_found
from soundstrip_service.operations import Answer, Operation, answer_json, describe_route


class ProfileView(Encoding, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A kind of audio; `default` is what an output gets that says nothing."""

    name: ProfileName
    description: str | None = None
    default: bool = False
    built_in: Annotated[bool, Meta(description="without an object in the cluster")] = False


class Profiles(msgspec.Struct):
    """All that there are, by name."""

    items: list[ProfileView]


INDEX = Operation(
    "List the profiles", "profiles", {200: Answer("All of them", Profiles)}, problems=(400,)
)
SHOW = Operation(
    "Get a profile",
    "profiles",
    {200: Answer("The profile", ProfileView)},
    problems=(404,),
    parts={"profile_name": ProfileName},
)


def profile_routes(parts: Parts) -> flask.Blueprint:
    """Return the routes."""
    blueprint = flask.Blueprint("profiles", __name__, url_prefix="/profiles")

    @blueprint.get("")
    @describe_route(INDEX)
    def index() -> flask.Response:
        identify(flask.request, parts.tokens)
        return answer_json(Profiles(describe_profiles(parts.cluster.profiles.scan())))

    @blueprint.get("/<profile_name>")
    @describe_route(SHOW)
    def show(profile_name: str) -> flask.Response:
        identify(flask.request, parts.tokens)
        for view in describe_profiles(parts.cluster.profiles.scan()):
            if view.name == profile_name:
                return answer_json(view)
        raise not_found("profile")

    return blueprint


def describe_profiles(objects: Iterable[ConversionProfile]) -> list[ProfileView]:
    """Return the profiles by name: an object takes the place of a built-in one of its name."""
    there = list(objects)
    default = choose_default(each.metadata for each in there if each.spec.default)
    specs = {**BUILT_IN, **{each.metadata.name: each.spec for each in there}}
    made = {each.metadata.name for each in there}
    return [
        ProfileView(
            name=name,
            description=spec.description,
            default=name == default,
            built_in=name not in made,
            **{word: getattr(spec, word) for word in Encoding.__struct_fields__},
        )
        for name, spec in sorted(specs.items())
    ]
