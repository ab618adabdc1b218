"""The pages of docs/reference that are made from code are of today's code."""

from types import ModuleType

import pytest

from eventmill.core.setting_groups import said_of
from eventmill.core.settings import Settings
from tools import command_reference, setting_reference


@pytest.mark.parametrize("reference", [command_reference, setting_reference])
def test_a_reference_is_current(reference: ModuleType) -> None:
    current = reference.PAGE.read_text() == reference.page().rstrip() + "\n"
    assert current, f"{reference.PAGE.name} is not current: run `make reference`"


def test_every_setting_says_what_it_is_and_what_a_wrong_value_does() -> None:
    declared = [name for group in setting_reference.groups() for name in group.model_fields]
    assert sorted(declared) == sorted(Settings.model_fields)
    for name, field in Settings.model_fields.items():
        assert field.description, name
        said = said_of(field)
        assert said["Meaning"], name
        assert said["Wrong"], name
        assert (field.default is None) == ("Unset" in said), f"{name}: what holds without it?"
