"""`eventmill preview` builds a model aside and says what would move."""

from datetime import date

import pytest

from eventmill.core.errors import ConfigurationError
from orchestration.preview import key_of, model_named, preview
from tests.dbt_project.warehouse import Event, Warehouse
from tests.support import environment


def test_a_preview_shows_what_would_move_and_leaves_production_alone(
    warehouse: Warehouse, day: date
) -> None:
    # Later than any other test's days: a preview takes the last built ones.
    day = day.replace(year=2099)
    warehouse.insert([Event(day, "asset_viewed", "ann", ip_asset_id="a")])
    warehouse.run_marts(day)
    warehouse.insert([Event(day, "asset_viewed", "bob", ip_asset_id="a")])
    before = warehouse.table("daily_metrics")
    with environment(EVENTMILL_DATABASE_URL=warehouse.url, LOGNAME="Ana.Sá"):
        connection = warehouse.connect()
        found = preview(connection, "daily_metrics", days=7, limit=1)
        connection.close()
    assert (found.days.first, found.days.last) == (day, day)
    assert found.relation == "preview_ana_s__marts.daily_metrics"
    assert found.comparison.rows == {"old": 2, "new": 2, "added": 0, "removed": 0}
    views = next(c for c in found.comparison.changes if c.column == "views")
    assert (views.old, views.new, views.rows) == (1, 2, 2)
    [moved] = found.comparison.moved
    assert (moved["ip_asset_id"], moved["views"], moved["unique_visitors"]) == ("a", [1, 2], [1, 2])
    assert warehouse.table("daily_metrics") == before
    assert warehouse.rows(f"select count(*) from {found.relation}") == [(2,)]


def test_a_model_that_cannot_be_compared_is_named(warehouse: Warehouse) -> None:
    with environment(EVENTMILL_DATABASE_URL=warehouse.url):
        with pytest.raises(ConfigurationError, match="no model is called 'nix': attribution"):
            model_named("nix")
        with pytest.raises(ConfigurationError, match="int_events does not say which columns"):
            key_of(model_named("int_events"))
        with pytest.raises(ConfigurationError, match="metric_definitions has no days"):
            key_of(model_named("metric_definitions"))
