"""The units in the documentation run what `eventmill up` runs."""

import importlib.util
import re
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
from typer.main import get_command

from eventmill.core.settings import PROJECT_ROOT
from eventmill.runner.cli import app
from eventmill.runner.keeper import DELAYS, WITHIN_SECONDS
from eventmill.runner.services import services
from tests.support import environment

PAGE = (PROJECT_ROOT / "docs" / "how-to" / "systemd.md").read_text()
BLOCK = re.compile(r"```ini\n# /etc/systemd/system/(\S+)\n(.*?)```", re.DOTALL)
UNITS = dict(BLOCK.findall(PAGE))
CHECKOUT = "/opt/eventmill"
BIN = f"{CHECKOUT}/.venv/bin/"
OTHERS = {"network-online.target", "postgresql.service", "multi-user.target"}


def parsed(unit: str) -> ConfigParser:
    # ExecStart may stand several times; `commands` reads them all.
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[method-assign, assignment]
    parser.read_string(UNITS[unit])
    return parser


def commands(unit: str) -> list[list[str]]:
    return [found.split() for found in re.findall("^ExecStart=(.*)$", UNITS[unit], re.MULTILINE)]


def test_each_service_has_a_unit_with_its_command(home: Path) -> None:
    with environment(EVENTMILL_DATABASE_URL=None):
        expected = {service.name: service.command for service in services()}
    for name, command in expected.items():
        here = [
            word.replace(str(home), "/var/lib/eventmill")
            .replace(str(PROJECT_ROOT), CHECKOUT)
            .replace(str(Path(sys.executable).parent), BIN.rstrip("/"))
            for word in command
        ]
        python = f"{BIN}{Path(sys.executable).name}"
        here[0] = f"{BIN}python" if here[0] == python else here[0]
        assert commands(f"eventmill-{name}.service") == [here]
    described = {f"eventmill-{name}.service" for name in expected}
    assert UNITS.keys() == described | {"eventmill-setup.service", "eventmill.target"}


@pytest.mark.parametrize("unit", [name for name in UNITS if name.endswith(".service")])
def test_what_a_unit_names_exists(unit: str) -> None:
    for program, *arguments in commands(unit):
        assert program.startswith(BIN)
        assert Path(sys.executable).with_name(program.removeprefix(BIN)).exists(), program
        if arguments[0] == "-m":
            assert importlib.util.find_spec(arguments[1]), arguments[1]
        if program.endswith("/eventmill"):
            context = get_command(app)
            for word in arguments:
                context = context.commands[word]  # type: ignore[attr-defined]
    section = parsed(unit)["Unit"]
    for key in ("After", "Wants", "Requires", "PartOf"):
        assert set(section.get(key, "").split()) <= UNITS.keys() | OTHERS


def test_units_give_up_as_the_supervisor_does() -> None:
    for unit in UNITS.keys() - {"eventmill-setup.service", "eventmill.target"}:
        parser = parsed(unit)
        assert parser["Unit"]["StartLimitBurst"] == str(len(DELAYS) + 1)
        assert parser["Unit"]["StartLimitIntervalSec"] == str(WITHIN_SECONDS)
        assert parser["Service"]["Restart"] == "always"
        assert parser["Install"]["WantedBy"] == "eventmill.target"
