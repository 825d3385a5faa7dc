"""Playlists, scripts and subtitles dressed as video, all of which name a file and a server."""

from collections.abc import Callable

from tests.hostile.boxes import box, id3
from tests.hostile.case import CORRUPT, SILENT, UNSUPPORTED, Case, World
from tests.hostile.movies import matroska

_TEXTS: dict[str, str] = {
    "ffconcat": "ffconcat version 1.0\nfile '{canary}'\nfile '{url}'\n",
    "ffconcat of a relative path": "ffconcat version 1.0\nfile ../canary\n",
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{canary}\n#EXTINF:2,\n{url}\n"
    "#EXT-X-ENDLIST\n",
    "hls with a key": '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{canary}"\n'
    '#EXT-X-MAP:URI="{url}"\n#EXTINF:2,\nconcat:{canary}|{url}\n',
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">'
    "<Period><BaseURL>file://{canary}</BaseURL><AdaptationSet><Representation id='1'>"
    "<BaseURL>{url}</BaseURL></Representation></AdaptationSet></Period></MPD>",
    "smooth streaming": '<SmoothStreamingMedia><StreamIndex Url="{url}"/></SmoothStreamingMedia>',
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=audio 5004 RTP/AVP 0\n",
    "rtsp text": "RTSPtext\nRTSPtextrtsp://{url}\n",
    "pls": "[playlist]\nFile1={canary}\nFile2={url}\nNumberOfEntries=2\n",
    "asx": '<asx version="3"><entry><ref href="{url}"/></entry></asx>',
    "cue sheet": 'FILE "{canary}" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n',
    "subrip": "1\n00:00:00,000 --> 00:00:02,000\n<img src='{url}'> file://{canary}\n",
    "webvtt": "WEBVTT\n\n00:00.000 --> 00:02.000\n{url}\n",
    "ass": "[Script Info]\nVideo File: {canary}\n\n[Events]\nDialogue: 0,0:0:0,0:0:2,,,,,,,{url}\n",
    "vobsub": "# VobSub index file, v7\nid: en, index: 0\ntimestamp: 00:00:00:000, filepos: 0\n",
    "metadata": ";FFMETADATA1\ntitle={canary}\n",
    "svg": '<svg xmlns="http://www.w3.org/2000/svg"><image href="file://{canary}"/></svg>',
    "html": "<html><audio src='{url}'></html>",
    "shell script": "#!/bin/sh\ncat {canary}\n",
}
_EVIL = "#EXTM3U\n#EXTINF:2,\n{canary}\n#EXTINF:2,\n{url}\n#EXT-X-ENDLIST\n"

_COSTUMES: dict[str, Callable[[bytes], bytes]] = {
    "an id3 tag": lambda text: id3((b"TIT2", b"\0x")) + text,
    "an mp4 box": lambda text: box(b"ftyp", b"isom", bytes(4)) + text,
    "an mdat box": lambda text: box(b"mdat", text),
    "an ogg page": lambda text: b"OggS" + text,
    "a flac mark": lambda text: b"fLaC" + text,
    "an flv header": lambda text: b"FLV\x01\x05\0\0\0\x09\0\0\0\0" + text,
    "a wav header": lambda text: b"RIFF\xff\xff\xff\xffWAVE" + text,
    "an avi header": lambda text: b"RIFF\xff\xff\xff\xffAVI " + text,
    "an asf header": lambda text: bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + text,
    "a program stream": lambda text: b"\0\0\1\xba" + text,
    "an adts header": lambda text: b"\xff\xf1\x50\x80\x02\x1f\xfc" + text,
    "transport packets": lambda text: (b"G" + text[:187].ljust(187, b"#")) * 9,
    "a matroska header": lambda text: matroska()[:60] + text,
}


def _text(form: str) -> Callable[[World], bytes]:
    return lambda world: form.format(canary=world.canary, url=world.url).encode()


def _costume(dress: Callable[[bytes], bytes]) -> Callable[[World], bytes]:
    return lambda world: dress(_text(_EVIL)(world))


CASES = (
    *(Case(name, _text(form), UNSUPPORTED) for name, form in _TEXTS.items()),
    *(
        Case(f"playlist behind {name}", _costume(dress), SILENT if "avi" in name else CORRUPT)
        for name, dress in _COSTUMES.items()
    ),
)
