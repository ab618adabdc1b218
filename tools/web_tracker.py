"""`make tracker`: the browser tracker, with the types of the tracking plan.

Writes web/tracker/src/events.ts and ingest_api/static/em*.js, which are committed so that a service
needs no Node, and web/tracker/dist, which is not.
"""

import shutil
import tempfile
from pathlib import Path

from eventmill.core.plan_types import typescript
from eventmill.core.tracking_plan import PLAN_FILE, load_plan
from tools import node, web

PACKAGE = web.WEB / "tracker"
GENERATED = Path("src", "events.ts")
SERVED = node.PROJECT_ROOT / "ingest_api" / "static"
SCRIPTS = ("em.js", "em.core.js")


def generate(package: Path) -> None:
    """Write the types of the packaged plan's events into the package."""
    (package / GENERATED).write_text(typescript(load_plan(PLAN_FILE)))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        package = web.copy("tracker", Path(folder))
        generate(package)
        web.run(package, "build")
        shutil.copy(package / GENERATED, PACKAGE / GENERATED)
        shutil.copytree(package / "dist", PACKAGE / "dist", dirs_exist_ok=True)
        SERVED.mkdir(exist_ok=True)
        for name in SCRIPTS:
            shutil.copy(package / "dist" / name, SERVED)
    print(f"written: {PACKAGE / GENERATED}, {PACKAGE / 'dist'} and {SERVED}")


if __name__ == "__main__":
    main()
