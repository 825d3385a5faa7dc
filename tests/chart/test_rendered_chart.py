"""What the chart says, before any cluster has seen it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from tests.chart.rendering import (
    CHART,
    EXTERNAL,
    KIND,
    MAIL,
    SMTP,
    VARIANTS,
    Body,
    HelmError,
    containers,
    environment,
    find,
    helm,
    pods,
    render,
)

from soundstrip_auth.settings import AuthSettings
from soundstrip_gateway.allowances import parse_quotas
from soundstrip_gateway.live.main import LiveSettings
from soundstrip_gateway.main import GatewaySettings
from soundstrip_notifier.settings import NotifierSettings
from soundstrip_operator.release.main import ReleaseSettings
from soundstrip_operator.settings import OperatorSettings
from soundstrip_service.settings import Settings

SETTINGS: dict[str, type[Settings]] = {
    "auth": AuthSettings,
    "gateway": GatewaySettings,
    "live": LiveSettings,
    "notifier": NotifierSettings,
    "operator": OperatorSettings,
    "release-finalizers": ReleaseSettings,
}

WITH_TOKEN = {"gateway", "operator", "release-finalizers"}

PLURALS = ("videoconversions", "conversionprofiles", "conversionbatches")


@pytest.fixture(params=VARIANTS.values(), ids=list(VARIANTS))
def rendered(request: pytest.FixtureRequest) -> list[Body]:
    return render(*request.param)


@pytest.mark.parametrize("arguments", VARIANTS.values(), ids=list(VARIANTS))
def test_helm_lints_the_chart_strictly(arguments: tuple[str, ...]):
    assert "0 chart(s) failed" in helm("lint --strict", *arguments)


@pytest.mark.parametrize(
    "wrong",
    [
        "gatway.replicas=2",
        "gateway.replica=2",
        "gateway.replicas=two",
        "operator.maxActiveJobs=0",
        "retention.conversions=1h",
        "retention.conversions=-1",
        "notifier.smtp.tls=ssl",
        "images.pullPolicy=Sometimes",
        "worker.memory=much",
        "operator.env.lower=1",
        "auth.firstUser.email=nobody",
        "auth.registration=everybody",
        "gateway.oidc.issuer=http://id.example.org",
        "gateway.limits.address=often",
        "gateway.limits.rates.user=often",
        "gateway.limits.quotas.user.bites=1",
        "gateway.browsers.corsOrigins={app.example.org}",
        "gateway.publicUrl=audio.example.org",
        "auth.limits.letters=often",
        "auth.browsers.corsOrigins={app.example.org}",
    ],
)
def test_a_value_that_means_nothing_is_refused(wrong: str):
    with pytest.raises(HelmError, match="don't meet the specifications of the schema"):
        render(f"--set={wrong}")


def test_values_and_schema_know_the_same_keys():
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert set(keys_of_schema(schema, schema)) == {*keys_of(values), "global"}


def keys_of(values: Body, prefix: str = "") -> Iterator[str]:
    for key, value in values.items():
        yield prefix + key
        if isinstance(value, dict) and key not in {"requests", "limits"}:
            yield from keys_of(value, f"{prefix}{key}.")


def keys_of_schema(root: Body, schema: Body, prefix: str = "") -> Iterator[str]:
    if reference := schema.get("$ref"):
        schema = root["definitions"][reference.rpartition("/")[2]]
    for key, value in schema.get("properties", {}).items():
        yield prefix + key
        if key not in {"requests", "limits"}:
            yield from keys_of_schema(root, value, f"{prefix}{key}.")


def test_no_secret_stands_anywhere_but_in_a_secret(rendered: list[Body]):
    secrets = [body for body in rendered if body["kind"] == "Secret"]
    long_enough = 20
    values = {v for s in secrets for v in s["stringData"].values() if len(v) > long_enough}
    text = yaml.safe_dump([body for body in rendered if body["kind"] != "Secret"], width=10_000)
    assert values
    assert [value for value in values if value in text] == []


def test_every_pod_is_restricted(rendered: list[Body]):
    for component, spec in pods(rendered):
        security = spec["securityContext"]
        assert security["runAsNonRoot"], component
        assert security["runAsUser"] > 0, component
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}, component
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), component
        for container in containers(spec):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, container["name"]


def test_every_container_has_bounds(rendered: list[Body]):
    for component, spec in pods(rendered):
        for container in containers(spec):
            for kind in ("requests", "limits"):
                assert {"cpu", "memory"} <= container["resources"][kind].keys(), component
        for volume in spec.get("volumes", []):
            assert volume["emptyDir"]["sizeLimit"], component


def test_every_server_is_probed_and_its_life_asks_no_store(rendered: list[Body]):
    for body in rendered:
        if body["kind"] not in {"Deployment", "StatefulSet"}:
            continue
        main, *beside = body["spec"]["template"]["spec"]["containers"]
        assert "readinessProbe" in main, main["name"]
        for container in (main, *beside):
            assert {"startupProbe", "livenessProbe"} <= container.keys(), container["name"]
            life = container["livenessProbe"].get("httpGet", {"path": "/livez"})
            assert life["path"] == "/livez", container["name"]


def test_only_those_who_ask_the_api_server_hold_a_token(rendered: list[Body]):
    for component, spec in pods(rendered):
        holds = spec.get("automountServiceAccountToken", True)
        assert holds == (component in WITH_TOKEN), component


def test_every_object_says_what_it_belongs_to(rendered: list[Body]):
    for body in rendered:
        if body["kind"] == "CustomResourceDefinition":
            continue
        labels = body["metadata"]["labels"]
        assert labels["app.kubernetes.io/part-of"] == "soundstrip"
        assert labels["app.kubernetes.io/instance"] == "soundstrip"
        assert body["metadata"]["name"].endswith(labels["app.kubernetes.io/component"])


def test_a_service_selects_the_pods_of_its_component(rendered: list[Body]):
    made = {component for component, _ in pods(rendered)}
    for service in (body for body in rendered if body["kind"] == "Service"):
        assert service["spec"]["selector"]["app.kubernetes.io/component"] in made


def test_every_variable_is_one_that_the_room_knows_and_none_is_missing(rendered: list[Body]):
    met = set()
    for component, spec in pods(rendered):
        if component not in SETTINGS:
            continue
        for container in spec["containers"]:
            name = container["name"]
            met.add(name)
            given = environment(container).keys()
            fields = SETTINGS[name].model_fields
            assert given <= {field.upper() for field in fields}, name
            required = {name.upper() for name, field in fields.items() if field.is_required()}
            assert required <= given, name
    assert {"auth", "gateway", "live", "operator"} <= met


def test_every_secret_that_a_pod_reads_has_the_key(rendered: list[Body]):
    secrets = {
        body["metadata"]["name"]: body["stringData"]
        for body in rendered
        if body["kind"] == "Secret"
    }
    for _, spec in pods(rendered):
        for name, key in secret_references(spec):
            assert name.startswith("my-") or key in secrets[name], (name, key)


def secret_references(spec: Body) -> Iterator[tuple[str, str]]:
    for container in containers(spec):
        for source in environment(container).values():
            if isinstance(source, dict) and "secretKeyRef" in source:
                yield source["secretKeyRef"]["name"], source["secretKeyRef"]["key"]


@pytest.mark.parametrize("part", ["gateway", "auth", "notifier"])
def test_a_service_reads_no_secret_of_another(part: str):
    spec = dict(pods(render(*MAIL)))[part]
    names = {name for name, _ in secret_references(spec)}
    assert names <= {f"soundstrip-{part}", "soundstrip-first-user" if part == "auth" else ""}


def test_the_worker_account_is_bound_to_nothing(rendered: list[Body]):
    find(rendered, "ServiceAccount", "soundstrip-worker")
    bound = {
        subject["name"]
        for body in rendered
        if body["kind"].endswith("Binding")
        for subject in body["subjects"]
    }
    assert bound == {"soundstrip-gateway", "soundstrip-operator", "soundstrip-release-finalizers"}


def test_nobody_has_a_right_beyond_the_namespace_or_to_everything(rendered: list[Body]):
    kinds = {body["kind"] for body in rendered}
    assert not {"ClusterRole", "ClusterRoleBinding"} & kinds
    for role in (body for body in rendered if body["kind"] == "Role"):
        for rule in role["rules"]:
            assert "*" not in (*rule["verbs"], *rule["resources"], *rule["apiGroups"])


def test_who_may_make_conversions_is_the_gateway_and_the_operator(rendered: list[Body]):
    """Whoever may, acts for any user: docs/security.md."""
    makers = {
        (body["metadata"]["name"], verb)
        for body in rendered
        if body["kind"] == "Role"
        for rule in body["rules"]
        for verb in {"create", "update", "patch", "delete"} & set(rule["verbs"])
        if "videoconversions" in rule["resources"]
    }
    assert {name for name, verb in makers if verb == "create"} == {
        "soundstrip-gateway",
        "soundstrip-operator",
    }
    assert {name for name, _ in makers} <= {
        "soundstrip-gateway",
        "soundstrip-operator",
        "soundstrip-release-finalizers",
    }


@pytest.mark.parametrize("name", ["soundstrip-operator", "mine"])
@pytest.mark.parametrize("release", ["soundstrip", "other"])
def test_the_operators_of_all_releases_share_one_lease_and_may_change_no_other(
    name: str, release: str
):
    default = OperatorSettings.model_fields["lease_name"].default
    given = () if name == default else (f"--set=operator.env.LEASE_NAME={name}",)
    role = next(
        body
        for body in render(*given, release=release)
        if body["kind"] == "Role" and body["metadata"]["name"].endswith("-operator")
    )
    verbs = {
        verb: rule.get("resourceNames")
        for rule in role["rules"]
        if rule["resources"] == ["leases"]
        for verb in rule["verbs"]
    }
    assert verbs.pop("create") is None
    assert verbs == {verb: [name] for verb in ("get", "list", "watch", "patch")}


def test_a_new_operator_is_ready_before_the_old_one_is_told_to_end():
    strategy = find(render(), "Deployment", "soundstrip-operator")["spec"]["strategy"]
    assert strategy["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


@pytest.mark.parametrize("part", ["auth", "gateway"])
def test_who_is_asked_from_outside_goes_on_until_all_nodes_know_that_it_goes(part: str):
    spec = find(render(), "Deployment", f"soundstrip-{part}")["spec"]["template"]["spec"]
    late = [each["lifecycle"]["preStop"]["sleep"]["seconds"] for each in spec["containers"]]
    assert min(late) >= 5
    assert spec["terminationGracePeriodSeconds"] >= max(late) + 30, "time for what is under way"


def test_the_gateway_lives_within_400_mebibytes():
    container = dict(pods(render()))["gateway"]["containers"][0]
    assert container["resources"]["limits"]["memory"] == "400Mi"


def test_the_gateway_and_the_live_process_share_the_socket_and_nothing_else():
    gateway, live = dict(pods(render()))["gateway"]["containers"]
    shared = environment(gateway)["LIVE_SOCKET"]
    assert environment(live)["LIVE_SOCKET"] == shared
    mounts = [{m["name"]: m["mountPath"] for m in one["volumeMounts"]} for one in (gateway, live)]
    assert mounts[1] == {"live": "/run/soundstrip"}
    assert mounts[0]["live"] == "/run/soundstrip"
    assert shared.startswith("/run/soundstrip/")
    assert "MONGO_URI" not in environment(live)


def test_both_of_a_gateways_processes_tell_the_same_addresses():
    url = "https://audio.example.org"
    specs = dict(pods(render(f"--set=gateway.publicUrl={url}")))
    told = [environment(each)["PUBLIC_URL"] for each in specs["gateway"]["containers"]]
    assert told == [url, url]


def test_what_opens_the_stored_data_is_kept_when_the_release_goes():
    kept = {
        body["metadata"]["name"].removeprefix("soundstrip-")
        for body in render()
        if body["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == "keep"
        and body["kind"] in {"Secret", "ConfigMap"}
    }
    assert {"mongodb", "mysql", "rabbitmq", "auth", "first-user", "install"} <= kept


@pytest.mark.parametrize("plural", PLURALS)
def test_a_crd_is_a_template_that_outlives_the_release(plural: str):
    crd = find(render(), "CustomResourceDefinition", f"{plural}.soundstrip.dev")
    assert crd["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    never = render("--set=crds.install=never")
    assert "CustomResourceDefinition" not in {body["kind"] for body in never}


def test_the_chart_holds_no_custom_resource(rendered: list[Body]):
    assert not {body["kind"] for body in rendered} & {
        "VideoConversion",
        "ConversionProfile",
        "ConversionBatch",
    }


def test_bundled_stores_are_official_images_with_volumes():
    sets = {body["metadata"]["name"]: body for body in render() if body["kind"] == "StatefulSet"}
    images = {body["spec"]["template"]["spec"]["containers"][0]["image"] for body in sets.values()}
    assert images == {"mongo:8.0", "mysql:8.4", "rabbitmq:4.0-management"}
    assert all(body["spec"]["volumeClaimTemplates"] for body in sets.values())


def test_a_lifetime_is_a_number_of_seconds_or_never():
    values = "retention.conversions=0,retention.sources=31536000,retention.results=never"
    operator = environment(dict(pods(render(f"--set={values}")))["operator"]["containers"][0])
    assert operator["DEFAULT_TTL_SECONDS"] == "0"
    assert operator["SOURCE_RETENTION_SECONDS"] == "31536000"
    assert operator["RESULT_RETENTION_SECONDS"] == "never"


def test_external_stores_take_the_place_of_the_bundled_ones():
    bodies = render(*EXTERNAL, *SMTP)
    specs = dict(pods(bodies))
    assert "StatefulSet" not in {body["kind"] for body in bodies}
    auth = environment(specs["auth"]["containers"][0])
    operator = environment(specs["operator"]["containers"][0])
    assert auth["MYSQL_HOST"] == "mysql.example.org"
    assert auth["MYSQL_PASSWORD"]["secretKeyRef"]["name"] == "my-mysql"
    assert operator["MONGO_URI"]["secretKeyRef"]["name"] == "my-mongodb"
    assert operator["RABBITMQ_URI"]["secretKeyRef"]["name"] == "my-rabbitmq"
    assert operator["MOVER_SECRET"] == "my-mongodb"


def test_each_consumer_of_an_external_mongodb_can_have_an_account_of_its_own():
    specs = dict(pods(render(*EXTERNAL, "--set=mongodb.external.secrets.mover=my-mover")))
    operator = environment(specs["operator"]["containers"][0])
    assert operator["MOVER_SECRET"] == "my-mover"
    assert operator["MONGO_URI"]["secretKeyRef"]["name"] == "my-mongodb"


@pytest.mark.parametrize("store", ["mongodb", "mysql", "rabbitmq"])
def test_an_external_store_without_its_secret_is_refused_by_name(store: str):
    with pytest.raises(HelmError, match=rf"{store}\.external\.existingSecret is needed"):
        render(f"--set={store}.enabled=false")


def test_without_a_mail_server_no_notifier_runs():
    assert "notifier" not in dict(pods(render()))


def test_mail_goes_to_the_sink_without_tls_or_to_the_account_that_is_set():
    sink = environment(dict(pods(render(*MAIL)))["notifier"]["containers"][0])
    assert (sink["SMTP_HOST"], sink["SMTP_PORT"]) == ("soundstrip-mail", "1025")
    assert sink["SMTP_TLS"] == "none"
    smtp = environment(dict(pods(render(*SMTP)))["notifier"]["containers"][0])
    assert (smtp["SMTP_HOST"], smtp["SMTP_TLS"]) == ("smtp.gmail.com", "starttls")
    assert smtp["GMAIL_PASSWORD"]["secretKeyRef"]["name"] == "my-smtp"


def test_auth_sends_its_letters_where_the_notifier_does_or_says_that_it_can_not():
    for arguments in (MAIL, SMTP):
        specs = dict(pods(render(*arguments)))
        notifier = environment(specs["notifier"]["containers"][0])
        auth = environment(specs["auth"]["containers"][0])
        names = {name for name in notifier if name.startswith(("SMTP", "GMAIL"))}
        assert names
        assert {name: auth.get(name) for name in names} == {name: notifier[name] for name in names}
    assert "GMAIL_ADDRESS" not in environment(dict(pods(render()))["auth"]["containers"][0])


def test_auth_and_the_gateway_are_limited_by_settings_of_their_own_and_know_of_each_other():
    given = {"auth.limits.login": "7/minute", "auth.browsers.hstsSeconds": 9}
    specs = dict(pods(render(*(f"--set={name}={value}" for name, value in given.items()))))
    auth, gateway = (environment(specs[part]["containers"][0]) for part in ("auth", "gateway"))
    assert (auth["RATE_LIMIT_LOGIN"], gateway["RATE_LIMIT_LOGIN"]) == ("7/minute", "60/minute")
    assert (auth["HSTS_SECONDS"], gateway["HSTS_SECONDS"]) == ("9", "0")
    assert auth["RATE_LIMIT_LETTERS"] == "30/hour"
    assert auth["AUTH_URL"] == gateway["AUTH_URL"] == "http://127.0.0.1:5000"
    assert auth["GATEWAY_URL"] == "http://127.0.0.1:8000"


def test_a_secret_of_one_s_own_may_hold_the_key_before_it():
    specs = dict(pods(render("--set=auth.existingSecret=my-key")))
    auth = environment(specs["auth"]["containers"][0])
    reference = auth["SECRET_KEY_PREVIOUS"]["secretKeyRef"]
    assert reference == {"name": "my-key", "key": "secret-key-previous", "optional": True}


def test_an_outside_issuer_reaches_the_gateway_and_needs_an_audience():
    issuer = "--set=gateway.oidc.issuer=https://id.example.org"
    specs = dict(pods(render(issuer, "--set=gateway.oidc.audience=audio")))
    gateway = environment(specs["gateway"]["containers"][0])
    assert gateway["OIDC_ISSUER"] == "https://id.example.org"
    assert gateway["OIDC_AUDIENCE"] == "audio"
    with pytest.raises(HelmError, match=r"gateway\.oidc\.audience is needed"):
        render(issuer)
    default = environment(dict(pods(render()))["gateway"]["containers"][0])
    assert "OIDC_ISSUER" not in default


def test_traces_go_nowhere_unless_a_collector_is_named():
    variable, address = "OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"
    traced = dict(pods(render(*MAIL, f"--set=tracing.endpoint={address}")))
    for part in ("gateway", "operator", "notifier"):
        assert environment(traced[part]["containers"][0])[variable] == address
        untraced = dict(pods(render(*MAIL)))[part]["containers"][0]
        assert variable not in environment(untraced)


def test_kind_has_the_node_ports_that_its_node_maps():
    bodies = render(*KIND)
    for name, port in (("gateway", 30800), ("auth", 30500)):
        spec = find(bodies, "Service", f"soundstrip-{name}")["spec"]
        assert (spec["type"], spec["ports"][0]["nodePort"]) == ("NodePort", port)


def test_two_releases_in_one_namespace_share_no_name_but_the_crds():
    names = [
        {(body["kind"], body["metadata"]["name"]) for body in render(*MAIL, release=release)}
        for release in ("soundstrip", "other", "soundstrip-two")
    ]
    crds = {("CustomResourceDefinition", f"{plural}.soundstrip.dev") for plural in PLURALS}
    assert names[0] & names[1] == names[0] & names[2] == names[1] & names[2] == crds
    assert ("Service", "other-soundstrip-gateway") in names[1]
    assert ("Service", "soundstrip-two-gateway") in names[2]


def test_no_name_in_an_address_is_of_another_release():
    for body in render(*MAIL, release="other"):
        for address in re.findall(r"[a-z-]*soundstrip-[a-z]+(?=:\d)", yaml.safe_dump(body)):
            assert address.startswith("other-"), address


def test_images_have_the_tags_that_were_built_or_the_charts_version():
    file = CHART / "files" / "images.yaml"
    tags: dict[str, Any] = yaml.safe_load(file.read_text()) if file.exists() else {}
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    container = dict(pods(render()))["gateway"]["containers"][0]
    assert container["image"] == f"soundstrip/service:{tags.get('service', version)}"
    given = dict(pods(render("--set=images.service.tag=mine")))["gateway"]["containers"][0]
    assert given["image"] == "soundstrip/service:mine"


def test_limits_and_browsers_reach_the_gateway_as_it_reads_them(monkeypatch: pytest.MonkeyPatch):
    arguments = (
        '--set-json=gateway.limits.quotas={"user": {"bytes": 10737418240, "concurrent": null}}',
        '--set-json=gateway.limits.rates={"user": "100/minute;2000/hour"}',
        '--set-json=gateway.browsers.corsOrigins=["https://a.example", "https://b.example"]',
        "--set=gateway.limits.login=,gateway.browsers.hstsSeconds=31536000",
        "--set=gateway.browsers.secureCookies=false",
    )
    [spec] = [spec for component, spec in pods(render(*arguments)) if component == "gateway"]
    for name, value in environment(spec["containers"][0]).items():
        if isinstance(value, str):
            monkeypatch.setenv(name, value)
    settings = GatewaySettings()
    assert parse_quotas(settings.quotas)["user"].bytes == 10737418240
    assert [item.amount for item in settings.rates.of_user(["user"])] == [100, 2000]
    assert [item.amount for item in settings.rates.address] == [600]
    assert settings.rates.login == ()
    assert settings.browsers.origins == {"https://a.example", "https://b.example"}
    assert settings.browsers.hsts_seconds == 31536000
    assert not settings.browsers.secure_cookies
