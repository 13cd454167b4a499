from __future__ import annotations

from gunwale.render.artifact import Artifact, State, compare

BODY = "workers = 2\n# >>> yours: settings\n# <<< yours: settings"
ARTIFACT = Artifact(target="gunicorn", path="gunicorn.conf.py", body=BODY)
CHANGED = Artifact(target="gunicorn", path="gunicorn.conf.py", body=BODY.replace("2", "4"))
WRITTEN = compare(ARTIFACT, None).after
YOURS = WRITTEN.replace("# <<<", "threads = 8\n# <<<")


def test_a_file_that_is_not_there_is_missing() -> None:
    assert compare(ARTIFACT, None).state is State.MISSING


def test_what_was_written_is_current() -> None:
    assert compare(ARTIFACT, WRITTEN).state is State.CURRENT
    assert compare(ARTIFACT, WRITTEN).diff() == ""


def test_the_first_line_names_the_target_and_its_digest() -> None:
    first = WRITTEN.splitlines()[0]

    assert first.startswith("# gunwale render gunicorn: ")
    assert WRITTEN.endswith(f"{BODY}\n")


def test_another_plan_makes_it_stale() -> None:
    change = compare(CHANGED, WRITTEN)

    assert change.state is State.STALE
    assert {"-workers = 2", "+workers = 4"} <= set(change.diff().splitlines())


def test_a_line_of_ours_that_was_edited_is_noticed() -> None:
    edited = WRITTEN.replace("workers = 2", "workers = 3")

    assert compare(ARTIFACT, edited).state is State.TOUCHED
    assert compare(CHANGED, edited).state is State.TOUCHED


def test_a_line_that_was_added_or_taken_away_is_noticed() -> None:
    assert compare(ARTIFACT, WRITTEN + "bind = 1\n").state is State.TOUCHED
    assert compare(ARTIFACT, WRITTEN.replace("workers = 2\n", "")).state is State.TOUCHED


def test_a_mark_that_was_taken_away_is_an_edit() -> None:
    assert compare(ARTIFACT, YOURS.replace("# <<< yours: settings\n", "")).state is State.TOUCHED


def test_what_stands_between_the_marks_is_the_users_and_stays() -> None:
    assert compare(ARTIFACT, YOURS).state is State.CURRENT
    assert "workers = 4\n# >>> yours: settings\nthreads = 8\n" in compare(CHANGED, YOURS).after


def test_the_users_lines_stay_when_the_plan_changes_twice() -> None:
    once = compare(CHANGED, YOURS).after

    assert compare(ARTIFACT, once).state is State.STALE
    assert compare(ARTIFACT, once).after == YOURS


def test_lines_whose_region_is_gone_are_not_lost_silently() -> None:
    without = Artifact(target="gunicorn", path="gunicorn.conf.py", body="workers = 2")

    assert compare(without, YOURS).state is State.CROWDED
    assert compare(without, WRITTEN).state is State.STALE


def test_a_file_of_the_users_is_foreign() -> None:
    assert compare(ARTIFACT, "workers = 2\n").state is State.FOREIGN
    assert compare(ARTIFACT, "").state is State.FOREIGN


def test_line_ends_of_another_system_are_no_edit() -> None:
    assert compare(ARTIFACT, WRITTEN.replace("\n", "\r\n")).state is State.CURRENT
