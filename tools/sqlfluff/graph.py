"""dbt's `graph` for sqlfluff, as far as the macros of traffic read it: see .sqlfluff."""

from pathlib import Path
from typing import Any

import yaml

_MODELS = Path(__file__).parents[2] / "dbt_project" / "models"


def _read(name: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((_MODELS / name).read_text())
    return read


_described = _read("metrics.yml")
semantic_models = {one["name"]: one for one in _described["semantic_models"]}
metrics = {
    one["name"]: {**one, "type_params": {"measure": {"name": one["type_params"]["measure"]}}}
    for one in _described["metrics"]
    if one["type"] == "simple"
}
nodes = {
    one["name"]: {**one, "columns": {column["name"]: column for column in one["columns"]}}
    for one in _read("intermediate/int_traffic.yml")["models"]
}
