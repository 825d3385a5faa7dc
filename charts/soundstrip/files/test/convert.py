"""`helm test`: sends one second of video through Soundstrip, as a person would; then removes it.

Environment: GATEWAY (URL), USER_NAME, USER_PASSWORD, SECONDS (how long the whole may take).
Only the standard library is needed: the video is raw pictures and raw sound in an AVI file.
"""

import base64
import json
import math
import os
import struct
import sys
import time
import urllib.error
import urllib.request
from http import HTTPStatus

_SIDE = 32
_PICTURES = 10
_RATE = 44_100
_PITCH = 440
_BOUNDARY = "soundstrip-helm-test"
_LEAST_BYTES = 8_000  # one second at 64 kbit/s: less is no second of sound
_TRANSIENT = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}


def main() -> None:
    """Exit with 0 when the audio came back; with a sentence when it did not."""
    gateway = Gateway(os.environ["GATEWAY"], time.monotonic() + float(os.environ["SECONDS"]))
    gateway.log_in(os.environ["USER_NAME"], os.environ["USER_PASSWORD"])
    file_id = gateway.upload(make_video())
    print(f"uploaded one second of video as {file_id}", flush=True)
    audio = gateway.download(file_id)
    gateway.delete(file_id)
    if not audio.startswith((b"ID3", b"\xff\xfb")) or len(audio) < _LEAST_BYTES:
        sys.exit(f"what came back is no second of MP3: {len(audio)} bytes, {audio[:8]!r}…")
    print(f"an MP3 of {len(audio)} bytes came back")


class Gateway:
    """The HTTP face; every call ends by the deadline."""

    def __init__(self, url: str, deadline: float) -> None:
        """Take the URL, and the deadline as time.monotonic() tells it."""
        self._url = url
        self._deadline = deadline
        self._headers: dict[str, str] = {}

    def log_in(self, name: str, password: str) -> None:
        """Get a token for all further calls."""
        basic = base64.b64encode(f"{name}:{password}".encode()).decode()
        _, body = self._call("POST", "/login", headers={"Authorization": f"Basic {basic}"})
        self._headers = {"Authorization": f"Bearer {json.loads(body)['token']}"}

    def upload(self, video: bytes) -> str:
        """Return the file's id."""
        head = (
            f"--{_BOUNDARY}\r\n"
            'Content-Disposition: form-data; name="file"; filename="helm-test.avi"\r\n'
            "Content-Type: video/x-msvideo\r\n\r\n"
        )
        form = head.encode() + video + f"\r\n--{_BOUNDARY}--\r\n".encode()
        kind = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
        _, body = self._call("POST", "/upload", headers=kind, data=form)
        return str(json.loads(body)["video_fid"])

    def download(self, file_id: str) -> bytes:
        """Wait for the audio and return it."""
        while True:
            status, body = self._call("GET", f"/download?fid={file_id}")
            if status == HTTPStatus.OK:
                return body
            self._pause(f"the conversion is not done: {body.decode(errors='replace')[:500]}")

    def delete(self, file_id: str) -> None:
        """Remove the conversion, and with it the video and the audio."""
        self._call("DELETE", f"/v1/conversions/{file_id}")

    def _call(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, data: bytes = b""
    ) -> tuple[int, bytes]:
        """Send a request, again while the gateway is not there."""
        while True:
            request = urllib.request.Request(  # noqa: S310 - the URL is the chart's own
                self._url + path,
                method=method,
                headers=self._headers | (headers or {}),
                data=data or None,
            )
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                    return answer.status, answer.read()
            except urllib.error.HTTPError as error:
                reason = f"{method} {path.partition('?')[0]}: {error.code} {_text(error)}"
                if error.code not in _TRANSIENT:
                    sys.exit(reason)
            except OSError as error:
                reason = f"{method} {path.partition('?')[0]}: {error}"
            self._pause(reason)

    def _pause(self, reason: str) -> None:
        if time.monotonic() > self._deadline:
            sys.exit(f"it took too long; the last answer: {reason}")
        time.sleep(1)


def _text(error: urllib.error.HTTPError) -> str:
    return error.read(2000).decode(errors="replace")


def make_video() -> bytes:
    """Return one second of AVI: grey pictures that grow lighter, and a tone."""
    picture_bytes = _SIDE * _SIDE * 3
    streams = _list(b"strl", _picture_stream(picture_bytes)) + _list(b"strl", _sound_stream())
    micros = 1_000_000 // _PICTURES
    main_header = struct.pack("<10I16x", micros, 0, 0, 0x100, _PICTURES, 0, 2, 0, _SIDE, _SIDE)
    header = _list(b"hdrl", _chunk(b"avih", main_header) + streams)
    return b"RIFF" + _sized(b"AVI " + header + _list(b"movi", _frames(picture_bytes)))


def _picture_stream(picture_bytes: int) -> bytes:
    header = struct.pack(
        "<4s4sIHHIIIIIIiI4H", b"vids", b"DIB ", 0, 0, 0, 0, 1, _PICTURES, 0, _PICTURES,
        picture_bytes, -1, 0, 0, 0, _SIDE, _SIDE,
    )  # fmt: skip
    bitmap = struct.pack("<IiiHHIIiiII", 40, _SIDE, _SIDE, 1, 24, 0, picture_bytes, 0, 0, 0, 0)
    return _chunk(b"strh", header) + _chunk(b"strf", bitmap)


def _sound_stream() -> bytes:
    header = struct.pack(
        "<4s4sIHHIIIIIIiI4H", b"auds", b"\0\0\0\0", 0, 0, 0, 0, 1, _RATE, 0, _RATE,
        _RATE * 2, -1, 2, 0, 0, 0, 0,
    )  # fmt: skip
    wave = struct.pack("<HHIIHH", 1, 1, _RATE, _RATE * 2, 2, 16)
    return _chunk(b"strh", header) + _chunk(b"strf", wave)


def _frames(picture_bytes: int) -> bytes:
    step = _RATE // _PICTURES
    frames = b""
    for number in range(_PICTURES):
        samples = (
            int(12_000 * math.sin(2 * math.pi * _PITCH * n / _RATE))
            for n in range(number * step, (number + 1) * step)
        )
        frames += _chunk(b"00db", bytes([number * 20]) * picture_bytes)
        frames += _chunk(b"01wb", struct.pack(f"<{step}h", *samples))
    return frames


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + _sized(body)


def _list(name: bytes, body: bytes) -> bytes:
    return b"LIST" + _sized(name + body)


def _sized(body: bytes) -> bytes:
    return struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


if __name__ == "__main__":
    main()
