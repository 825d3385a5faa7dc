"""The profiles of the namespace, as they were seen last."""

from collections.abc import Iterable

from soundstrip_operator.profiles import Profile


class Catalogue:
    """Profiles by name; of two states of one object the newer stays."""

    def __init__(self) -> None:
        self._by_name: dict[str, Profile] = {}

    def put(self, profile: Profile) -> None:
        """Take a state of a profile, unless a newer one is there."""
        old = self._by_name.get(profile.name)
        if old is None or old.version <= profile.version:
            self._by_name[profile.name] = profile

    def remove(self, profile: Profile) -> None:
        """Forget a profile that is gone, but not another one of its name."""
        old = self._by_name.get(profile.name)
        if old is not None and old.metadata.uid == profile.metadata.uid:
            del self._by_name[profile.name]

    def replace(self, listed: Iterable[Profile], version: int) -> None:
        """Take a list of all profiles as of a version; what is newer than the list stays."""
        by_name = {profile.name: profile for profile in listed}
        for old in self.all():
            if old.name not in by_name and old.version <= version:
                self.remove(old)
        for profile in by_name.values():
            self.put(profile)

    def all(self) -> tuple[Profile, ...]:
        """Return them all."""
        return tuple(self._by_name.values())
