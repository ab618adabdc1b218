"""Runs dbt inside this process: a process of its own would first spend 4 s on imports."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from eventmill.core.database import dbt_environment
from eventmill.core.settings import export, get_settings
from orchestration.building.arguments import invocation_arguments

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult

# dbt's log lines that say how a node, or one day of a model, went (dbt_common.events).
NODE_EVENTS = {"LogModelResult", "LogSeedResult", "LogTestResult"}
BATCH_EVENT = "LogBatchResult"
FAILED = {"error", "fail", "runtime error"}


@dataclass
class DbtOutcome:
    """How an invocation went: its result events as dicts, and what went wrong, a line each."""

    events: list[dict[str, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def node_events(self) -> list[dict[str, Any]]:
        """The events of whole nodes: one each."""
        return [event for event in self.events if event["info"]["name"] in NODE_EVENTS]

    def only_tests(self) -> "DbtOutcome":
        """Without the results of models and seeds."""
        tests = [event for event in self.events if event["info"]["name"] == "LogTestResult"]
        return DbtOutcome(tests, self.errors)

    @classmethod
    def together(cls, outcomes: Sequence["DbtOutcome"]) -> "DbtOutcome":
        """One event of each node: its last one, or, of a test, the last that did not pass."""
        kept: dict[str, dict[str, Any]] = {}
        for outcome in outcomes:
            for event in outcome.node_events:
                info = event["data"]["node_info"]
                known = kept.get(info["unique_id"])
                is_test = event["info"]["name"] == "LogTestResult"
                if known is None or not is_test or info["node_status"] != "pass":
                    kept[info["unique_id"]] = event
        return cls(list(kept.values()), [error for o in outcomes for error in o.errors])


def run_dbt(
    arguments: list[str], target_path: Path, report: Callable[[str], None] | None = None
) -> DbtOutcome:
    """Run dbt on the production target; it logs to stdout, which Dagster keeps.

    `report` is told of each model, seed and day as soon as it is built, from dbt's threads.
    Cancelling the run raises KeyboardInterrupt, after dbt has cancelled its queries.
    """
    from dbt.cli.main import dbtRunner
    from dbt_common.events.functions import msg_to_dict

    outcome = DbtOutcome()

    def keep(message: Any) -> None:
        if message.info.name in NODE_EVENTS or message.info.name == BATCH_EVENT:
            event = msg_to_dict(message)
            outcome.events.append(event)
            if report and message.info.name != "LogTestResult":
                report(_in_words(event["data"]))

    export(dbt_environment())
    with _interrupts_reach_dbt() as interrupts:
        result = dbtRunner(callbacks=[keep]).invoke(
            invocation_arguments(arguments, get_settings().dbt_project_dir, target_path)
        )
    if interrupts:  # dbt may have made ordinary errors of the queries that it cancelled
        raise KeyboardInterrupt
    if not result.success:
        outcome.errors = list(_errors(result))
    return outcome


def _in_words(data: dict[str, Any]) -> str:
    what = data.get("description") or data["node_info"]["node_name"]
    return f"{what}: {data['status']} in {data['execution_time']:.1f} s"


def _errors(result: "dbtRunnerResult") -> Iterator[str]:
    if result.exception is not None:
        yield " ".join(str(result.exception).split())
        return
    for node in getattr(result.result, "results", []):
        if node.status in FAILED:
            yield f"{node.node.name}: {' '.join(str(node.message).split())}"


@contextmanager
def _interrupts_reach_dbt() -> Iterator[list[int]]:
    """dbt cancels its queries on KeyboardInterrupt only; Dagster's handler raises its own error.

    Gives the signals that have arrived.
    """
    arrived: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield arrived
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        arrived.append(number)
        raise KeyboardInterrupt

    before = {
        number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield arrived
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
