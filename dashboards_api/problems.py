"""The problems that calls of this API may answer, as the OpenAPI document shows them."""

from dashboards_api.database import AWAY
from eventmill.core.errors import FieldError, InvalidFields, Unauthorized, Unavailable
from eventmill.http.problems import Problems

PROBLEMS = Problems()
answers = PROBLEMS.described

# What any metrics call may answer instead of numbers.
METRICS_PROBLEMS = answers(
    Unauthorized("the bearer token is not valid: Signature has expired"),
    InvalidFields([FieldError("end", "2015-05-01 is before start (2015-05-17)")]),
    Unavailable(AWAY),
)
