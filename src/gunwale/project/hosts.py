"""Which hosts the application answers for, and which health checks it refuses for theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gunwale.project.facts import Given
from gunwale.project.probed import asked_anywhere
from gunwale.project.python.client_facts import corrections
from gunwale.project.python.configuration import named
from gunwale.project.python.hooks import is_answered_before
from gunwale.project.versions import may_be

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.model import Project
    from gunwale.project.probed import Asked


class TrustedHosts(NamedTuple):
    """All that TRUSTED_HOSTS may hold, and where the first setting of it is."""

    at: Place
    names: tuple[str, ...]

    def hold(self, host: str) -> bool:
        """Whether a request with this *host* is answered; a name with a dot before it is all below it."""
        names = [each.rpartition(":")[0] or each for each in self.names]
        return any(host == name or (name.startswith(".") and host.endswith(name)) for name in names)


def trusted_hosts(project: Project) -> TrustedHosts | None:
    """Return every host that any setting of TRUSTED_HOSTS gives; None where one is not known."""
    found = named(project, "TRUSTED_HOSTS")
    hosts: list[str] = []
    for each in found:
        value = each.value
        if not isinstance(value, Given) or not isinstance(value.value, list | tuple) or value.variables:
            return None
        hosts += [str(host) for host in value.value]
    return TrustedHosts(found[0].at, tuple(hosts)) if hosts else None


def refused(project: Project) -> Iterator[tuple[Asked, TrustedHosts]]:
    """Yield each health check that is answered 400 for its Host, with the hosts that are trusted."""
    trusted = project.derive(trusted_hosts)
    if trusted is None or not may_be(project, "flask", 3, 1) or project.derive(corrections):
        return
    for each in project.derive(asked_anywhere):
        is_foreign = each.host is not None and not trusted.hold(each.host)
        is_well = each.group is not None and each.group.accepts(400) is not False
        if is_foreign and not (is_well or each.start.is_gunwale or is_answered_before(project, each.path)):
            yield each, trusted
