"""The job that replays rejected events, for use after the tracking plan was corrected.

Ingest and orchestration do not import each other, so the job runs `eventmill rejected replay`.
"""

import json
import subprocess
import sys
from pathlib import Path

import dagster as dg

from eventmill.core.settings import child_environment


@dg.op(out=dg.Out(dagster_type=dict, description="Events by what became of them."))
def replay_rejected_events(context: dg.OpExecutionContext) -> dict[str, int]:
    """Run `eventmill rejected replay`. Events keep their ids: running it twice adds nothing."""
    command = [str(Path(sys.executable).with_name("eventmill")), "rejected", "replay", "--json"]
    result = subprocess.run(
        command, env=child_environment(), check=False, capture_output=True, text=True
    )
    if result.returncode != 0:
        raise dg.Failure(result.stderr.strip() or "eventmill rejected replay failed")
    counts: dict[str, int] = json.loads(result.stdout)
    context.log.info(", ".join(f"{count:,} {status}" for status, count in counts.items()))
    context.add_output_metadata(dict(counts))
    return counts


@dg.job(description="Tries refused events again, after the tracking plan was corrected.")
def replay_rejected() -> None:
    replay_rejected_events()
