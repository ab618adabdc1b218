"""What is held on a person as one JSON text, written while it is read."""

import json
from collections.abc import AsyncGenerator, AsyncIterator

from eventmill.privacy.holdings import SECTIONS


async def document(rows: AsyncIterator[tuple[str, str]], subject_id: str) -> AsyncGenerator[str]:
    """Parts of a JSON object with a list for each section of `holdings.held`.

    Nothing at all if nothing is held.
    """
    _, ids = await anext(rows)
    section, seen = "", set[str]()
    async for name, row in rows:
        if not seen:
            yield f'{{"subject_id": {json.dumps(subject_id)}, "ids": {ids}'
        if name == section:
            yield ",\n"
        else:
            yield ("]" if section else "") + f',\n"{name}": [\n'
            section = name
            seen.add(name)
        yield row
    if not seen:
        return
    yield "]"
    for name in SECTIONS:
        if name not in seen:
            yield f',\n"{name}": []'
    yield "}\n"
