"""The batches of the namespace and their conversions, as they were seen last."""

from collections.abc import Callable, Iterable

from soundstrip_crds.batch import ConversionBatch
from soundstrip_crds.conversion import VideoConversion
from soundstrip_operator.batch.child import Standing, find_batch, standing_of


def _tell_nobody(_batch: str) -> None:
    """For a view in which no batch is followed."""


class Register:
    """Batches by name, their conversions by the batch's uid; each change is told by its batch."""

    def __init__(self, tell: Callable[[str], None] = _tell_nobody) -> None:
        """Take `tell` for who is told the name of a batch for which there is news."""
        self._tell = tell
        self._batches: dict[str, ConversionBatch] = {}
        self._children: dict[str, dict[str, VideoConversion]] = {}

    def find(self, name: str) -> ConversionBatch | None:
        """Return the batch of this name."""
        return self._batches.get(name)

    def children_of(self, uid: str) -> tuple[VideoConversion, ...]:
        """Return the conversions that the batch with this uid controls."""
        return tuple(self._children.get(uid, {}).values())

    def counts_on(self, child: VideoConversion) -> bool:
        """Say whether a batch that has not come to its end counts this conversion."""
        reference = find_batch(child)
        batch = self._batches.get(reference.name) if reference else None
        if reference is None or batch is None or batch.metadata.uid != reference.uid:
            return False
        finished = batch.status.condition("Finished")
        return finished is None or finished.status != "True"

    def awaited_sources(self) -> frozenset[str]:
        """Return the file ids of the items of which conversions may still be made."""
        making = (batch for batch in self._batches.values() if batch.status.total is None)
        return frozenset(item.file_id for batch in making for item in batch.spec.items or ())

    def put(self, batch: ConversionBatch) -> None:
        """Take a state of a batch, unless a newer one is there."""
        name = batch.metadata.name
        old = self._batches.get(name)
        if old is not None and _version(old) > _version(batch):
            return
        self._batches[name] = batch
        if old is None or _wanted(old) != _wanted(batch):
            self._tell(name)

    def remove(self, batch: ConversionBatch) -> None:
        """Forget a batch that is gone, but not another one of its name."""
        old = self._batches.get(batch.metadata.name)
        if old is not None and old.metadata.uid == batch.metadata.uid:
            del self._batches[batch.metadata.name]

    def replace(self, listed: Iterable[ConversionBatch], version: int) -> None:
        """Take a list of all batches as of a version, and have each looked at again."""
        by_name = {batch.metadata.name: batch for batch in listed}
        for name, old in list(self._batches.items()):
            if name not in by_name and _version(old) <= version:
                del self._batches[name]
        for name, batch in by_name.items():
            self.put(batch)
            self._tell(name)

    def follow(self, old: VideoConversion | None, new: VideoConversion | None) -> None:
        """Take the step of a conversion from one state to the next; None is for none."""
        before, after = find_batch(old), find_batch(new)
        if before is None and after is None:
            return
        if old and before:
            self._drop(before.uid, old.metadata.name)
        if new and after:
            self._children.setdefault(after.uid, {})[new.metadata.name] = new
        if before != after or _stand(old) != _stand(new):
            for name in {one.name for one in (before, after) if one}:
                self._tell(name)

    def _drop(self, uid: str, name: str) -> None:
        children = self._children.get(uid, {})
        children.pop(name, None)
        if not children:
            self._children.pop(uid, None)


def _stand(child: VideoConversion | None) -> Standing | None:
    return None if child is None else standing_of(child)


def _wanted(batch: ConversionBatch) -> tuple[object, ...]:
    """Return all but the status, which is nobody's but ours."""
    metadata = batch.metadata
    return metadata.uid, metadata.generation, metadata.labels, metadata.deletion_timestamp


def _version(batch: ConversionBatch) -> int:
    return int(batch.metadata.resource_version or 0)
