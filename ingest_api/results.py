"""What becomes of one event."""

from dataclasses import dataclass, field
from typing import Any, Literal

from eventmill.core.errors import FieldError
from eventmill.core.registry import EventRow

Status = Literal["accepted", "duplicate", "rejected", "dropped"]
STATUSES: tuple[Status, ...] = ("accepted", "duplicate", "rejected", "dropped")


@dataclass(slots=True)
class Result:
    """One event: rejected with its errors, or a row and what storing it came to."""

    event_id: str | None = None
    """None if the event has no id that can be read, and is not stored."""
    status: Status = "rejected"
    errors: list[FieldError] = field(default_factory=list)
    warnings: list[FieldError] = field(default_factory=list)
    row: EventRow | None = None
    is_forbidden: bool = False
    """Rejected because its sender may not send it."""
    clock_skew_seconds: int = 0

    def as_dict(self) -> dict[str, Any]:
        """As the API answers it."""
        answer: dict[str, Any] = {"event_id": self.event_id, "status": self.status}
        if self.errors:
            answer["errors"] = [error.as_dict() for error in self.errors]
        if self.warnings:
            answer["warnings"] = [warning.as_dict() for warning in self.warnings]
        if self.clock_skew_seconds and not self.errors:
            answer["clock_skew_seconds"] = self.clock_skew_seconds
        return answer
