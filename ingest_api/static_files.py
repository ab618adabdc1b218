"""The browser tracker's files: built by `make tracker`, compressed once, named by their content."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "static"


@dataclass(frozen=True, slots=True)
class Script:
    """A JavaScript file, plain and as gzip, and what stands for its content in names."""

    plain: bytes
    packed: bytes
    hash: str
    """The first 16 hexadecimal digits of the SHA-256 of the plain file."""


@cache
def script(name: str) -> Script:
    """`em` or `em.core`. Raises FileNotFoundError if the package was built without it."""
    plain = (FOLDER / f"{name}.js").read_bytes()
    # Without a time, so that equal contents are equal bytes.
    packed = gzip.compress(plain, 9, mtime=0)
    return Script(plain, packed, hashlib.sha256(plain).hexdigest()[:16])
