"""Which release a rollback goes back to."""

from __future__ import annotations

import pytest

from gunwale.deploy.history import earlier
from gunwale.deploy.state import Release, Role, Site, TaskState
from gunwale.errors import ConfigurationError


def site(*made: tuple[str, str] | tuple[str, str, str], failed: tuple[str, ...] = ()) -> Site:
    """Releases as (name, directory) or (name, directory, origin); the last one that was live serves."""
    releases = {
        each[0]: Release(name=each[0], directory=each[1], python="python", origin=(*each, each[0])[2])
        for each in made
    }
    live = [name for name in releases if name not in failed]
    found = Site(name="s", project="/p", releases=releases, live=live)
    if live:
        found.tasks["t"] = TaskState(name=f"{live[-1]}.1", release=live[-1], role=Role.SERVING)
    return found


def test_the_one_before() -> None:
    assert earlier(site(("v1", "/a"), ("v2", "/b"), ("v3", "/c")), None).name == "v2"


def test_again_and_again_goes_further_back() -> None:
    assert earlier(site(("v1", "/a"), ("v2", "/b"), ("v3", "/c"), ("v4", "/b", "v2")), None).name == "v1"


def test_what_failed_is_none_to_go_back_to() -> None:
    assert earlier(site(("v1", "/a"), ("v2", "/b"), ("v3", "/c"), failed=("v2",)), None).name == "v1"


def test_after_a_roll_out_that_was_cut_short_the_one_live_before_it() -> None:
    found = site(("v1", "/a"), ("v2", "/b"), ("v3", "/c"), failed=("v3",))
    found.rolling = "v3"
    assert earlier(found, None).name == "v2"
    found.rolling = None
    found.tasks["t"].release = "v3"
    assert earlier(found, None).name == "v2"


def test_a_named_one() -> None:
    found = site(("v1", "/a"), ("v2", "/b"), ("v3", "/c"), failed=("v2",))
    assert earlier(found, "v1").name == "v1"
    with pytest.raises(ConfigurationError, match="v2: was never live here"):
        earlier(found, "v2")


@pytest.mark.parametrize("made", [[], [("v1", "/a")]], ids=["none", "one"])
def test_nothing_to_go_back_to_is_said(made: list[tuple[str, str]]) -> None:
    with pytest.raises(ConfigurationError, match="no release"):
        earlier(site(*made), None)


def test_folder_that_holds_newer_files_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="v1 and v2 are this same folder"):
        earlier(site(("v1", "/a"), ("v2", "/a")), None)
    assert earlier(site(("v1", "/a"), ("v2", "/b"), ("v3", "/a")), None).name == "v2"
