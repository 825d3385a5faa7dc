from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from soundstrip_crds.conversion import VideoConversion

MakeConversion = Callable[..., VideoConversion]


@pytest.fixture
def make_conversion() -> MakeConversion:
    def make(
        *,
        file_id: str = "0123456789abcdef01234567",
        created: datetime = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        output: dict[str, str] | None = None,
        status: dict[str, Any] | None = None,
    ) -> VideoConversion:
        return VideoConversion.parse(
            {
                "apiVersion": "soundstrip.dev/v1alpha1",
                "kind": "VideoConversion",
                "metadata": {"name": f"vc-{file_id}", "creationTimestamp": created.isoformat()},
                "spec": {
                    "source": {
                        "fileId": file_id,
                        "filename": "clip.mp4",
                        "size": 10,
                        "contentType": "video/mp4",
                        "sha256": "0" * 64,
                    },
                    "owner": {"id": "7", "name": "ann"},
                    "output": output or {},
                },
                "status": status or {},
            }
        )

    return make
