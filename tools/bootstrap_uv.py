"""Install the pinned uv into .tools/uv, with nothing but the Python standard library.

`make` runs this when no uv is on the PATH. A virtual environment is tried first; on systems whose
Python came without `ensurepip` (Debian without python3-venv) the wheel is taken from the package
index directly: a wheel is a zip file and uv is one executable inside it.
"""

import io
import json
import os
import platform
import subprocess
import sys
import urllib.request
import venv
import zipfile
from pathlib import Path

UV_VERSION = "0.13.9"
TARGET = Path(__file__).resolve().parent.parent / ".tools" / "uv"


def with_venv() -> None:
    venv.create(TARGET, with_pip=True, clear=True)
    pip = [str(TARGET / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "--disable-pip-version-check", f"uv=={UV_VERSION}"], check=True)


def from_wheel() -> None:
    machine = platform.machine()
    wanted = f"macosx_11_0_{machine}" if sys.platform == "darwin" else f"manylinux_2_17_{machine}"
    with urllib.request.urlopen(f"https://pypi.org/pypi/uv/{UV_VERSION}/json") as answer:
        files = json.load(answer)["urls"]
    urls = [f["url"] for f in files if wanted in f["filename"]]
    if not urls:
        sys.exit(f"no uv wheel for {wanted}: install uv yourself (https://docs.astral.sh/uv/)")
    with urllib.request.urlopen(urls[0]) as answer:  # noqa: S310 (https, from the index)
        wheel = zipfile.ZipFile(io.BytesIO(answer.read()))
    member = next(name for name in wheel.namelist() if name.endswith("/scripts/uv"))
    binary = TARGET / "bin" / "uv"
    binary.parent.mkdir(parents=True, exist_ok=True)
    binary.write_bytes(wheel.read(member))
    binary.chmod(0o755)


def main() -> None:
    if (TARGET / "bin" / "uv").exists():
        return
    print(f"installing uv {UV_VERSION} into {os.path.relpath(TARGET)}", file=sys.stderr)
    try:
        with_venv()
    except (subprocess.CalledProcessError, OSError) as error:
        print(f"no usable venv ({error}); taking the wheel itself", file=sys.stderr)
        from_wheel()


if __name__ == "__main__":
    main()
