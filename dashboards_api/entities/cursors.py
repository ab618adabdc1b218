"""Where a page ended, as an opaque text: the keyset (occurred_at, event_id) of its last event."""

import base64
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Microseconds and the id: 24 bytes, for which base64 needs no padding.
_KEYSET = struct.Struct(">q16s")


@dataclass(frozen=True, slots=True)
class Cursor:
    """The next page has what comes after this event, the older ones."""

    occurred_at: datetime
    event_id: UUID

    def encode(self) -> str:
        microseconds = (self.occurred_at - _EPOCH) // _MICROSECOND
        packed = _KEYSET.pack(microseconds, self.event_id.bytes)
        return base64.urlsafe_b64encode(packed).decode()

    @classmethod
    def decode(cls, text: str) -> "Cursor":
        """Raises ValueError for a text that no answer gave."""
        try:
            packed = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
            microseconds, event_id = _KEYSET.unpack(packed)
            return cls(_EPOCH + microseconds * _MICROSECOND, UUID(bytes=event_id))
        except (ValueError, OverflowError, struct.error):
            raise ValueError("not a cursor that an answer gave as next_cursor") from None
