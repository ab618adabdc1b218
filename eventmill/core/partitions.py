"""The days that `raw.events` has a partition for."""

from typing import LiteralString

# A query of `day, relation`. A partition is named by its UTC day (raw.ensure_partition).
PARTITION_DAYS: LiteralString = """
select to_date(right(partition.relname, 8), 'YYYYMMDD') as day, partition.oid as relation
from pg_inherits as child
inner join pg_class as partition on child.inhrelid = partition.oid
where child.inhparent = 'raw.events'::regclass and partition.relname ~ '^events_[0-9]{8}$'
"""
