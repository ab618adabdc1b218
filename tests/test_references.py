"""The pages of docs/reference that are made from code are of today's code."""

from types import ModuleType

import pytest

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
        said = field.json_schema_extra
        assert isinstance(said, dict), f"{name} is not made by `setting`"
        assert said["meaning"], name
        assert said["wrong"], name
        assert (field.default is None) == bool(said["unset"]), f"{name}: what holds without it?"
