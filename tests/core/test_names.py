"""Spellings and aliases of names in the tracking plan."""

import pytest

from eventmill.core.names import Names, normal_name
from eventmill.core.tracking_plan import TrackingPlan, tracking_plan

SMALL = {
    "version": 1,
    "definitions": {"text": {"type": "string"}},
    "shared": {},
    "event_types": {
        "a_b": {"group": "user", "description": "A.", "props": {"title": "text"}},
        "c_d": {"group": "user", "description": "C."},
    },
}


@pytest.mark.parametrize(
    "spelling",
    ["ip_asset_id", "ipAssetId", "IPAssetID", "IP Asset ID", "ip-asset-id", " Ip  Asset_Id "],
)
def test_spellings(spelling: str) -> None:
    assert normal_name(spelling) == "ip_asset_id"


def test_every_type_has_its_own_name() -> None:
    names = tracking_plan().type_names
    for event_type in tracking_plan().event_types:
        assert names.of(event_type) == event_type
        assert names.of(event_type.replace("_", " ").title()) == event_type
    assert names.of("Poem Written") is None
    assert names.of("") is None
    assert names.of("x" * 100_000) is None


def test_two_meanings_are_refused() -> None:
    with pytest.raises(ValueError, match="also means"):
        Names(["a", "b"], {"A": "b"})


@pytest.mark.parametrize(
    ("aliases", "prop_aliases", "message"),
    [
        (["C D"], {}, "also means"),
        ([], {"headline": "heading"}, "which no event type has"),
        ([], {"title": "ip_asset_id"}, "also means"),
    ],
)
def test_a_plan_with_ambiguous_aliases_is_broken(
    aliases: list[str], prop_aliases: dict[str, str], message: str
) -> None:
    plan = {**SMALL, "prop_aliases": prop_aliases}
    types = SMALL["event_types"]
    plan["event_types"] = {**types, "a_b": {**types["a_b"], "aliases": aliases}}
    with pytest.raises(ValueError, match=message):
        TrackingPlan.model_validate(plan)
