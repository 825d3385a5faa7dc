"""A job as the seed did it: `python -m hack.bench.engine.seed_style FILE_ID BUCKET`.

The whole file comes to memory and goes to a temporary one; MoviePy writes an MP3 beside it; the
whole result comes to memory and goes to GridFS, to that bucket. MONGO_URI and MONGO_DB say where.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from bson import ObjectId
from gridfs import GridFS
from moviepy import VideoFileClip
from pymongo import MongoClient


def main() -> None:
    """Convert one source."""
    _, file_id, bucket = sys.argv
    with MongoClient[dict[str, Any]](os.environ["MONGO_URI"]) as client:
        database = client[os.environ["MONGO_DB"]]
        with tempfile.TemporaryDirectory() as folder:
            source, result = Path(folder, "source.mp4"), Path(folder, "result.mp3")
            source.write_bytes(GridFS(database, "sources").get(ObjectId(file_id)).read())
            with VideoFileClip(str(source)) as clip:
                clip.audio.write_audiofile(str(result), bitrate="192k", logger=None)
            GridFS(database, bucket).put(result.read_bytes(), filename=result.name)


if __name__ == "__main__":
    main()
