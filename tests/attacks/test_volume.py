"""Many visitors of somebody's invention: an address and a key have budgets of their own."""

import httpx
import pytest

from tests.ingest_api.support import event, served
from tests.support import environment

OLD_DAYS = {"EVENTMILL_RETENTION_DAYS": "0"}
DEFAULTS: dict[str, str | None] = {**OLD_DAYS, "EVENTMILL_ADDRESS_EVENTS_PER_MINUTE": None}


def _send(api: httpx.Client, first: int, number: int) -> httpx.Response:
    events = [event(anonymous_id=f"invented-{first + one}") for one in range(number)]
    return api.post("/v1/events", json={"events": events})


@pytest.mark.usefixtures("database")
def test_five_thousand_invented_visitors_are_stopped() -> None:
    with environment(**DEFAULTS), served("publishable") as api:
        answers = [_send(api, first, 100) for first in range(0, 5_000, 100)]
        accepted = [answer for answer in answers if answer.status_code == 200]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert len(accepted) + len(refused) == 50
        # 7,200 a minute are 1,200 in each window of 10 s.
        assert 12 <= len(accepted) <= 24
        assert all(1 <= int(answer.headers["retry-after"]) <= 10 for answer in refused)
        assert "1,200 events in 10 s" in refused[0].json()["detail"]
        assert api.get("/healthz").status_code == 200


@pytest.mark.usefixtures("database")
def test_a_key_has_a_budget_over_all_addresses() -> None:
    limits = {"EVENTMILL_PUBLISHABLE_KEY_EVENTS_PER_MINUTE": "60", "EVENTMILL_TRUSTED_PROXIES": "1"}
    limits |= OLD_DAYS
    with environment(**limits), served("publishable") as api:
        statuses = []
        for number in range(12):
            api.headers["X-Forwarded-For"] = f"203.0.113.{number}"
            statuses.append(_send(api, number, 1).status_code)
        assert statuses == [200] * 10 + [429] * 2


@pytest.mark.usefixtures("database")
def test_a_server_is_not_held_to_the_budget_of_an_address() -> None:
    with environment(EVENTMILL_ADDRESS_EVENTS_PER_MINUTE="6", **OLD_DAYS), served("secret") as api:
        assert _send(api, 0, 100).json()["accepted"] == 100
