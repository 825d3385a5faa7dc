"""All conversions of the namespace as they stand, by owner, and for a while those that went."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from soundstrip_gateway.live.sights import Sight, see_gone

_NONE: Mapping[str, Sight] = MappingProxyType({})


class Board:
    """The newest sight of each conversion.

    Of a conversion that went, a tombstone stays: so many of the newest ones in all. Everything that
    went after version `horizon` is known; before that, a tombstone may be missing.
    """

    def __init__(self, tombstones: int) -> None:
        """Keep at most so many tombstones."""
        self.newest = 0
        """The version up to which all is known."""
        self.horizon = 0
        self.lists = 0
        """How often all was read anew, so that a change may have been passed over."""

        self._limit = tombstones
        self._owners: dict[str, dict[str, Sight]] = {}
        self._owner_of: dict[str, str] = {}
        self._graves: deque[Sight] = deque()

    def __len__(self) -> int:
        return len(self._owner_of)

    @property
    def is_loaded(self) -> bool:
        """Whether it was ever read."""
        return self.lists > 0

    def of(self, owner: str) -> Mapping[str, Sight]:
        """Return the owner's conversions by their names, tombstones among them."""
        return self._owners.get(owner, _NONE)

    def put(self, sight: Sight) -> Iterator[Sight]:
        """Take a sight, and yield what is worth telling: nothing, if its view is what it was."""
        before = self._owner_of.get(sight.name)
        if before not in {None, sight.owner}:
            yield from self.remove(sight.name, sight.version)
        self.reach(sight.version)
        known = self.of(sight.owner).get(sight.name)
        if not sight.is_gone if known is None else _is_news_to(known, sight):
            self._write(sight)
            yield sight

    def remove(self, name: str, version: int) -> Iterator[Sight]:
        """Take note that a conversion went, and yield its tombstone if that is news."""
        self.reach(version)
        owner = self._owner_of.get(name)
        if owner is not None and not self._owners[owner][name].is_gone:
            tombstone = see_gone(name, owner, version)
            self._write(tombstone)
            yield tombstone

    def replace(self, sights: Iterable[Sight], version: int) -> Iterator[Sight]:
        """Take all conversions that there are at this version, and yield what is worth telling."""
        there = set[str]()
        for sight in sights:
            there.add(sight.name)
            yield from self.put(sight)
        for name in self._owner_of.keys() - there:
            yield from self.remove(name, version)
        self.horizon = version  # what came and went since the last look was never seen
        self.lists += 1
        self.reach(version)

    def reach(self, version: int) -> None:
        """Take note that all up to this version is known."""
        self.newest = max(self.newest, version)

    def _write(self, sight: Sight) -> None:
        self._owners.setdefault(sight.owner, {})[sight.name] = sight
        self._owner_of[sight.name] = sight.owner
        if sight.is_gone:
            self._graves.append(sight)
        while len(self._graves) > self._limit:
            self._forget(self._graves.popleft())

    def _forget(self, tombstone: Sight) -> None:
        self.horizon = max(self.horizon, tombstone.version)
        own = self._owners.get(tombstone.owner, {})
        if own.get(tombstone.name) is tombstone:
            del own[tombstone.name]
            self._drop(tombstone)

    def _drop(self, tombstone: Sight) -> None:
        if self._owner_of.get(tombstone.name) == tombstone.owner:
            del self._owner_of[tombstone.name]
        if not self._owners[tombstone.owner]:
            del self._owners[tombstone.owner]


def _is_news_to(known: Sight, sight: Sight) -> bool:
    changed = (known.data, known.is_gone) != (sight.data, sight.is_gone)
    return changed and sight.version > known.version
