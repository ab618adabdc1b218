"""Maps the names that clients use to those of the tracking plan.

Spelling is not a different name: `Asset Viewed`, `assetViewed` and `asset-viewed` are all
`asset_viewed`. Other words need an alias in the plan.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

# Between a small letter and a capital, and before the last capital of several: IPAssetId.
_WORD_BORDER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NO_WORD = re.compile(r"[\W_]++")
# Whoever sends longer names does not mean one of the plan.
MAX_CHARACTERS = 200


@lru_cache(maxsize=4096)
def normal_name(name: str) -> str:
    """`name` in lower case with an underscore between words, however it was written."""
    return _NO_WORD.sub("_", _WORD_BORDER.sub("_", name)).strip("_").lower()


class Names:
    """From any spelling or alias of some names to the name itself."""

    def __init__(self, names: Iterable[str], aliases: Mapping[str, str]) -> None:
        """Raises ValueError if an alias means two names."""
        self._known = {normal_name(name): name for name in names}
        for alias, name in aliases.items():
            known = self._known.setdefault(normal_name(alias), name)
            if known != name:
                raise ValueError(f"the alias {alias!r} of {name} also means {known}")

    def of(self, sent: str) -> str | None:
        """The name that `sent` stands for, None if it is none of them."""
        if len(sent) > MAX_CHARACTERS:
            return None
        return self._known.get(normal_name(sent))
