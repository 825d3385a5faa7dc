"""What the gateway keeps of an upload beside its state: who began it, and where room is held."""

from soundstrip_gateway.tokens import Caller
from soundstrip_storage.uploads import Upload


def read_caller(upload: Upload) -> Caller:
    """Return who began the upload, as he was then."""
    told = upload.about["caller"]
    return Caller(id=upload.owner, name=told["name"], email=told["email"], admin=told["admin"])


def hold_of(upload: Upload) -> str:
    """Return under which name room is held for it; an older gateway has told none."""
    return str(upload.about.get("hold", upload.id))
