"""The days that `raw.events` has a partition for."""

from typing import LiteralString

# The day of a table of pg_class, called `partition`: raw.ensure_partition names it by its UTC day.
PARTITION_DAY: LiteralString = "to_date(right(partition.relname, 8), 'YYYYMMDD')"

# A query of `day, relation`.
PARTITION_DAYS: LiteralString = """
select {day} as day, partition.oid as relation
from pg_inherits as child
inner join pg_class as partition on child.inhrelid = partition.oid
where child.inhparent = 'raw.events'::regclass and partition.relname ~ '^events_[0-9]{8}$'
""".replace("{day}", PARTITION_DAY)
