"""The legacy interface, to the letter of its table."""

import re
from pathlib import Path

import requests
from tests.gateways import VIDEO, Gateway, Stage
from tests.waiting import wait_until

AUDIO = b"ID3\x04" + bytes(1000)


def _upload(gateway: Gateway, stage: Stage, content: bytes = VIDEO) -> requests.Response:
    return requests.post(
        f"{gateway.url}/upload",
        headers=stage.header("ann"),
        files={"file": ("Käse & Brot.mp4", content)},
        timeout=30,
    )


def _download(gateway: Gateway, stage: Stage, fid: str, user: str = "ann") -> requests.Response:
    return requests.get(
        f"{gateway.url}/download", headers=stage.header(user), params={"fid": fid}, timeout=30
    )


def _missing(gateway: Gateway) -> set[str]:
    health = requests.get(f"{gateway.url}/health", timeout=30)
    missing = set(health.json().get("missing", ()))
    assert health.status_code == (503 if missing else 200)
    return missing


def test_login_gives_a_token_for_the_right_password_only(gateway: Gateway):
    url = f"{gateway.url}/login"
    right = requests.post(url, auth=("ann", "right"), timeout=30)
    assert right.status_code == 200
    assert set(right.json()) == {"token"}
    for refused in (
        requests.post(url, auth=("ann", "wrong"), timeout=30),
        requests.post(url, timeout=30),
    ):
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("Basic")


def test_login_says_unavailable_while_auth_is_away(stage: Stage):
    with stage.run_gateway(AUTH_SVC_ADDR="127.0.0.1:1") as gateway:
        answer = requests.post(f"{gateway.url}/login", auth=("ann", "right"), timeout=30)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
        assert _upload(gateway, stage).status_code == 503
        wait_until(lambda: _missing(gateway) == {"auth"}, "only that is missing")


def test_an_upload_answers_with_the_files_id_and_makes_a_conversion(gateway: Gateway, stage: Stage):
    answer = _upload(gateway, stage)
    assert answer.status_code == 200
    assert set(answer.json()) == {"message", "video_fid"}
    assert answer.json()["message"] == "success"
    fid = answer.json()["video_fid"]
    assert re.fullmatch("[0-9a-f]{24}", fid)
    made = stage.kube.get("videoconversion", f"vc-{fid}")
    assert made is not None
    assert made["metadata"]["finalizers"] == ["soundstrip.dev/storage"]
    assert made["metadata"]["labels"] == {"soundstrip.dev/owner": "ann"}
    assert made["spec"]["owner"] == {"id": "ann", "name": "ann"}
    assert made["spec"]["source"]["filename"] == "Käse & Brot.mp4"
    assert made["spec"]["source"]["size"] == len(VIDEO)
    assert "example.org" not in str(made)
    file = stage.database["sources.files"].find_one({})
    assert file is not None
    assert file["metadata"]["contact"] == "ann@example.org"
    assert file["metadata"]["sha256"] == made["spec"]["source"]["sha256"]
    assert stage.leftovers() == {"sources.files": 1, "sources.chunks": 1}


def test_a_download_says_how_far_it_is_until_there_is_audio(gateway: Gateway, stage: Stage):
    fid = _upload(gateway, stage).json()["video_fid"]
    waiting = _download(gateway, stage, fid)
    assert waiting.status_code == 202
    assert waiting.headers["Retry-After"]
    assert waiting.json()["status"] == "queued"
    stage.finish(f"vc-{fid}", "Succeeded", AUDIO)
    ready = _download(gateway, stage, fid)
    assert ready.status_code == 200
    assert ready.content == AUDIO
    assert ready.headers["Content-Type"] == "audio/mpeg"
    assert ready.headers["Content-Disposition"] == (
        "attachment; filename=\"K_se & Brot.mp3\"; filename*=UTF-8''K%C3%A4se%20&%20Brot.mp3"
    )
    assert _download(gateway, stage, fid, "bob").status_code == 404


def test_a_download_of_a_failed_conversion_tells_the_reason(gateway: Gateway, stage: Stage):
    fid = _upload(gateway, stage).json()["video_fid"]
    stage.finish(f"vc-{fid}", "NoAudioTrack")
    answer = _download(gateway, stage, fid)
    assert answer.status_code == 409
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["reason"] == "NoAudioTrack"
    assert answer.json()["detail"] == "A sentence about NoAudioTrack."


def test_who_does_not_say_who_is_asking_gets_nothing(gateway: Gateway):
    for method, path in [
        ("POST", "/upload"),
        ("GET", "/download?fid=" + "a" * 24),
        ("GET", "/v1/conversions"),
        ("POST", "/v1/conversions"),
        ("DELETE", "/v1/conversions/" + "a" * 24),
    ]:
        for headers in ({}, {"Authorization": "Bearer made.up.token"}):
            answer = requests.request(method, gateway.url + path, headers=headers, timeout=30)
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_health_names_what_is_missing(gateway: Gateway, stage: Stage, tmp_path: Path):
    wait_until(lambda: _missing(gateway) == set(), "nothing is missing")
    (config := tmp_path / "kubeconfig").write_text(stage.kubeconfig_to_nowhere())
    away = {"MONGO_URI": "mongodb://127.0.0.1:1", "KUBECONFIG": str(config)}
    with stage.run_gateway(**away) as broken:
        wait_until(lambda: _missing(broken) == {"mongodb", "kubernetes"}, "both are missing")
        assert requests.get(f"{broken.url}/livez", timeout=30).status_code == 200
