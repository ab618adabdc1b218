"""`make client`: the TypeScript client of the dashboards API, from its own description.

Writes web/client/src/schema.ts, which is committed, and web/client/dist, which is not.
"""

import json
import shutil
import tempfile
from pathlib import Path

from dashboards_api.app import create_app
from tools import web

PACKAGE = web.WEB / "client"
GENERATED = Path("src", "schema.ts")


def generate(package: Path) -> None:
    """Write the types of this API's paths and answers into the package."""
    description = package / "openapi.json"
    description.write_text(json.dumps(create_app().openapi()))
    web.run(package, "generate", OPENAPI=str(description))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        package = web.copy("client", Path(folder))
        generate(package)
        web.run(package, "build")
        shutil.copy(package / GENERATED, PACKAGE / GENERATED)
        shutil.copytree(package / "dist", PACKAGE / "dist", dirs_exist_ok=True)
    print(f"written: {PACKAGE / GENERATED} and {PACKAGE / 'dist'}")


if __name__ == "__main__":
    main()
