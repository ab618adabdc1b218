"""`make client`: the TypeScript client of the dashboards API, from its own description.

Writes web/client/src/schema.ts, which is committed, and web/client/dist, which is not.
"""

import json
import shutil
import tempfile
from pathlib import Path

from dashboards_api.app import create_app
from tools import node

PACKAGE = node.PROJECT_ROOT / "web" / "client"
GENERATED = Path("src", "schema.ts")


def copy(into: Path) -> Path:
    """The package as it is committed, with what it depends on at hand."""
    made = shutil.ignore_patterns("node_modules", "dist")
    folder = Path(shutil.copytree(PACKAGE, into / "client", ignore=made))
    (folder / "node_modules").symlink_to(node.modules(PACKAGE))
    return folder


def generate(package: Path) -> None:
    """Write the types of this API's paths and answers into the package."""
    description = package / "openapi.json"
    description.write_text(json.dumps(create_app().openapi()))
    run(package, "generate", OPENAPI=str(description))


def build(package: Path) -> None:
    """Compile the package into its `dist`. Raises RuntimeError with what the compiler says."""
    run(package, "build")


def run(package: Path, script: str, **variables: str) -> str:
    """Run a script of package.json; returns what it printed, raises RuntimeError if it fails."""
    done = node.npm("run", "--silent", script, cwd=package, **variables)
    if done.returncode != 0:
        raise RuntimeError(f"npm run {script} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        package = copy(Path(folder))
        generate(package)
        build(package)
        shutil.copy(package / GENERATED, PACKAGE / GENERATED)
        shutil.copytree(package / "dist", PACKAGE / "dist", dirs_exist_ok=True)
    print(f"written: {PACKAGE / GENERATED} and {PACKAGE / 'dist'}")


if __name__ == "__main__":
    main()
