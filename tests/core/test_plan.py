"""The tracking plan: checked, stored where dbt reads it, compared, turned into types."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from eventmill.core import plan_types
from eventmill.core.errors import ConfigurationError
from eventmill.core.plan_store import differences, store_plan, stored_types, types_of
from eventmill.core.tracking_plan import (
    PLAN_FILE,
    PropsChecker,
    TrackingPlan,
    load_plan,
    tracking_plan,
)
from tests.support import rows, run_eventmill, scalar

Content = dict[str, Any]


def content() -> Content:
    loaded: Content = yaml.safe_load(PLAN_FILE.read_text())
    return loaded


def changed_plan() -> TrackingPlan:
    """The plan with a type less, a type more, and a property of another kind."""
    plan = content()
    del plan["event_types"]["email_sent"]
    plan["event_types"]["asset_shared"] = {"group": "asset", "description": "Shared."}
    plan["event_types"]["page_viewed"]["props"]["title"] = "count"
    plan["event_types"]["page_viewed"]["shorten"] = []
    return TrackingPlan.model_validate(plan)


def written(folder: Path, plan: Content) -> Path:
    file = folder / "plan.yml"
    file.write_text(yaml.safe_dump(plan))
    return file


def test_migrating_stores_the_plan(connection: psycopg.Connection) -> None:
    assert stored_types(connection) == types_of(tracking_plan())
    assert store_plan(connection, tracking_plan()) == []
    stored = rows(
        connection,
        "select event_group, is_anonymous, props_schema -> 'properties' -> 'path' ->> 'maxLength'"
        " from raw.tracking_plan where event_type = 'page_viewed'",
    )
    assert stored == [("engagement", True, "2048")]


def test_what_changed_is_stored_and_nothing_else(connection: psycopg.Connection) -> None:
    connection.execute("update raw.tracking_plan set stored_at = '2020-01-01'")
    changes = store_plan(connection, changed_plan())
    assert [(c.kind, c.path) for c in changes] == [
        ("added", "event_types.asset_shared"),
        ("removed", "event_types.email_sent"),
        ("removed", "event_types.page_viewed.props_schema.properties.title.maxLength"),
        ("added", "event_types.page_viewed.props_schema.properties.title.maximum"),
        ("added", "event_types.page_viewed.props_schema.properties.title.minimum"),
        ("changed", "event_types.page_viewed.props_schema.properties.title.type"),
    ]
    touched = "select event_type from raw.tracking_plan where stored_at > '2020-01-01' order by 1"
    assert rows(connection, touched) == [("asset_shared",), ("page_viewed",)]
    removed = "select event_type from raw.tracking_plan where removed_at is not null"
    assert rows(connection, removed) == [("email_sent",)]
    assert stored_types(connection) == types_of(changed_plan())
    store_plan(connection, tracking_plan())
    assert rows(connection, removed) == [("asset_shared",)]
    assert differences(stored_types(connection), types_of(tracking_plan())) == []


def test_diff_says_what_would_change_and_exits_with_1(
    connection: psycopg.Connection, tmp_path: Path
) -> None:
    same = run_eventmill("plan", "diff")
    assert (same.returncode, same.stdout) == (0, "the database holds this plan\n")
    plan = content()
    plan["event_types"]["asset_viewed"]["anonymous"] = False
    differs = run_eventmill("plan", "diff", str(written(tmp_path, plan)))
    assert differs.returncode == 1
    assert "changed  event_types.asset_viewed.is_anonymous: true -> false" in differs.stdout
    as_json = run_eventmill("plan", "diff", "--json", str(tmp_path / "plan.yml"))
    assert json.loads(as_json.stdout) == [
        {
            "kind": "changed",
            "path": "event_types.asset_viewed.is_anonymous",
            "before": True,
            "after": False,
        }
    ]
    anonymous = "select is_anonymous from raw.tracking_plan where event_type = 'asset_viewed'"
    assert scalar(connection, anonymous) is True


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("event_types", "page_viewed", "props", "title"), "txt", "page_viewed.title names 'txt'"),
        (("event_types", "page_viewed", "required"), ["x"], "page_viewed requires 'x'"),
        (("event_types", "page_viewed", "shorten"), ["status"], "page_viewed shortens 'status'"),
        (("event_types", "page_viewed", "shorten"), ["x"], "page_viewed shortens 'x'"),
        (("event_types", "page_viewed", "colour"), "red", "event_types.page_viewed.colour"),
        (("event_types", "page_viewed", "group"), "pages", "event_types.page_viewed.group"),
        (("definitions", "text", "type"), "strnig", "definitions.text is no JSON Schema"),
    ],
)
def test_check_names_what_is_wrong(
    home: Path, tmp_path: Path, place: tuple[str, ...], value: object, said: str
) -> None:
    plan = content()
    inner = plan
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    file = written(tmp_path, plan)
    with pytest.raises(ConfigurationError, match="is broken") as broken:
        load_plan(file)
    assert said in str(broken.value)


@pytest.mark.usefixtures("processes")
def test_check_on_the_command_line(home: Path, tmp_path: Path) -> None:
    fine = run_eventmill("plan", "check")
    assert fine.returncode == 0
    assert f"{len(tracking_plan().event_types)} event types" in fine.stdout
    (tmp_path / "plan.yml").write_text("version: [")
    broken = run_eventmill("plan", "check", str(tmp_path / "plan.yml"))
    assert broken.returncode == 1
    assert "cannot read the tracking plan" in broken.stderr


def test_errors_name_the_path_of_what_is_wrong() -> None:
    plan = content()
    plan["definitions"]["box"] = {
        "type": "object",
        "required": ["width"],
        "properties": {"width": {"type": "integer"}},
        "additionalProperties": False,
    }
    plan["definitions"]["boxes"] = {"type": "array", "items": plan["definitions"]["box"]}
    plan["event_types"]["page_viewed"]["props"] |= {"boxes": "boxes", "id": "text"}
    plan["event_types"]["page_viewed"]["required"] = ["id"]
    checker = PropsChecker(TrackingPlan.model_validate(plan))
    wrong = checker.errors("page_viewed", {"boxes": [{"width": "5"}, {"height": 1}]})
    assert sorted(error.field for error in wrong) == [
        "props.boxes.0.width",
        "props.boxes.1.height",
        "props.boxes.1.width",
        "props.id",
    ]


@pytest.mark.usefixtures("processes")
def test_python_types_are_sound_and_hold_events_to_the_plan(tmp_path: Path, home: Path) -> None:
    (tmp_path / "plan_types.py").write_text(run_eventmill("plan", "types", "python").stdout)
    sound = "from plan_types import PageViewed\nevent: PageViewed = {}\n".format(
        '{"event_type": "page_viewed", "anonymous_id": "a", "props": {"status": 200}}'
    )
    wrong = "from plan_types import PageViewed\nevent: PageViewed = {}\n".format(
        '{"event_type": "page_viewed", "props": {"status": "ok"}}'
    )
    for name, text in (("sound", sound), ("wrong", wrong)):
        (tmp_path / f"{name}.py").write_text(text)
    subprocess.run([sys.executable, "sound.py"], cwd=tmp_path, check=True)
    assert mypy(tmp_path, "sound.py") == ""
    assert 'TypedDict item "status" has type "int"' in mypy(tmp_path, "wrong.py")


def mypy(folder: Path, file: str) -> str:
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file=",
        "--no-error-summary",
        file,
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


def test_types_say_what_is_required_and_survive_odd_names() -> None:
    plan = content()
    plan["event_types"]["page_viewed"]["props"] |= {"from": "text", "a-b": "texts"}
    plan["event_types"]["page_viewed"]["required"] = ["title"]
    made = TrackingPlan.model_validate(plan)
    assert '"a-b"?: Array<string>;' in plan_types.typescript(made)
    assert "  title: string;" in plan_types.typescript(made)
    python = plan_types.python(made)
    assert "'from': str, 'a-b': list[str]" in python
    assert "'title': Required[str]" in python
    compile(python, "plan_types.py", "exec")
    for name in made.event_types:
        assert f"  {name}: " in plan_types.typescript(made)


@pytest.mark.usefixtures("processes")
def test_an_unknown_language_is_named(home: Path) -> None:
    result = run_eventmill("plan", "types", "cobol")
    assert result.returncode == 1
    assert "no types for 'cobol': use typescript or python" in result.stderr
