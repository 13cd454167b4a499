"""What the operator allowed a site: said once, kept with the site, taken back by a word or by `down`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.deploy import audit

if TYPE_CHECKING:
    from gunwale.deploy.state import State


def root(state: State, word: bool | None) -> bool:  # noqa: FBT001 - None where nothing was said
    """Tell whether the application may run as root: by this command's *word*, else by what the site knows.

    Only a site that is up knows anything: `up` begins anew.
    """
    if word is not None:
        return word
    site = state.read()
    return site is not None and site.is_up and site.allow_root


def remember(state: State, word: bool | None) -> bool:  # noqa: FBT001
    """Keep *word* with a site that is up, also where nothing is rolled out then; whether that changed it."""
    site = state.read()
    if word is None or site is None or not site.is_up or site.allow_root == word:
        return False
    with state.change() as now:
        now.allow_root = word
    audit.record(state.paths.audit, "allow-root", allowed=word)
    return True
