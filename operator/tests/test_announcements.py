"""Claims about what is told, and how often."""

import msgspec
from tests.conversions import RESULT, accepted_status, condition, conversion, one_try

from soundstrip_crds.conversion import Status
from soundstrip_crds.events import routing_key
from soundstrip_operator.announcements import announce, event_name, finished_event


def status(body: dict[str, object]) -> Status:
    return msgspec.convert(body, Status)


def reasons(before: dict[str, object], after: dict[str, object]) -> list[str]:
    return [one.reason for one in announce(status(before), status(after))]


def latched(value: str, reason: str) -> dict[str, object]:
    return accepted_status(one_try(reason=reason)) | {
        "conditions": [
            condition("Accepted", "True", "SourceClaimed"),
            condition("Succeeded", value, reason),
            condition("Finished", "True", reason),
        ]
    }


def test_each_step_is_told_once():
    begun = accepted_status(one_try())
    retrying = accepted_status(one_try(reason="WorkerLost"))
    assert reasons({}, accepted_status()) == ["Accepted"]
    assert reasons(accepted_status(), begun) == ["TryStarted"]
    assert reasons(begun, retrying) == ["Retrying"]
    assert reasons(begun, latched("True", "Succeeded")) == ["Succeeded"]
    assert reasons(begun, latched("False", "CorruptMedia")) == ["CorruptMedia"]
    assert reasons(latched("True", "Succeeded"), latched("True", "Succeeded")) == []


def test_each_run_is_told_by_itself():
    failed = latched("False", "CorruptMedia")
    second = failed["runs"] + [{"number": 2, "tries": [one_try()]}]
    begun = {"runs": failed["runs"] + [{"number": 2}]}
    assert reasons(failed, begun) == ["RunAgain"]
    assert reasons(begun, accepted_status() | {"runs": second}) == ["Accepted", "TryStarted"]
    keys = {one.key for one in announce(status({}), status(accepted_status(one_try())))}
    later = {one.key for one in announce(status(begun), status({"runs": second}))}
    assert not keys & later


def test_an_event_of_kubernetes_has_one_name_however_often_it_is_told():
    told = announce(status(accepted_status()), status(accepted_status(one_try())))[0]
    about = conversion()
    assert event_name(about, told) == event_name(about, told)
    other = conversion(uid="uid-2")
    assert event_name(about, told) != event_name(other, told)


def test_the_event_of_the_end_says_all_and_is_the_same_every_time():
    done = latched("True", "Succeeded") | {"result": RESULT}
    event = finished_event(conversion(status=done), "ann@example.com")
    assert event == finished_event(conversion(status=done), "ann@example.com")
    assert event.id == "uid-1.1.finished"
    assert routing_key(event.type) == "conversion.succeeded"
    assert event.data.email == "ann@example.com"
    assert event.data.result is not None


def test_an_address_goes_out_only_if_the_owner_wants_mail():
    silent = conversion(status=latched("False", "CorruptMedia"), spec={"notify": {"email": False}})
    event = finished_event(silent, "ann@example.com")
    assert routing_key(event.type) == "conversion.failed"
    assert b"ann@example.com" not in msgspec.json.encode(event)
