"""Where Chromium is, and a loud word at the end of the tests where it is not."""

import shutil
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
MISSING = (
    "*** NO CHROMIUM ON THIS MACHINE: the tracker was NOT tested in a browser. Install it"
    " (`apt install chromium`), then `make test ARGS=tests/tracker`. ***"
)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if CHROMIUM is None:
        terminalreporter.write_line(MISSING, red=True, bold=True)
