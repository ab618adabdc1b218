"""`make bench`: runs the benchmarks, prints tables, writes bench/results/<name>.json.

`make bench ARGS=ingest` runs one. Every benchmark uses a home of its own in the temporary folder,
with the embedded PostgreSQL, and removes it again.
"""

import argparse
import json
import os
import platform
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from bench import (
    attacks,
    dashboards,
    events_table,
    export,
    graph,
    ingest,
    partition,
    visitors,
    warehouse,
)

BENCHMARKS: dict[str, Callable[[], dict[str, Any]]] = {
    "ingest": ingest.run,
    "attacks": attacks.run,
    "partition": partition.run,
    "graph": graph.run,
    "visitors": visitors.run,
    "dashboards": dashboards.run,
    "events_table": events_table.run,
    "export": export.run,
    "warehouse": warehouse.run,
}
RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    names = parser.parse_args().names or list(BENCHMARKS)
    if unknown := set(names) - BENCHMARKS.keys():
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}")
    RESULTS.mkdir(exist_ok=True)
    for name in names:
        machine = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "memory_gb": round(psutil.virtual_memory().total / 2**30),
        }
        results = BENCHMARKS[name]()
        file = RESULTS / f"{name}.json"
        file.write_text(json.dumps({"machine": machine, "results": results}, indent=2) + "\n")
        print(f"written to {os.path.relpath(file)}\n", flush=True)


if __name__ == "__main__":
    main()
