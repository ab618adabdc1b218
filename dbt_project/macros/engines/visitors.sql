{#- Sets of visitors. -#}

{#- The group's visitors as four bytes each, null if there is none; `condition` chooses among them. -#}
{% macro packed_visitors(number, condition=none) -%}
{{ return(adapter.dispatch('packed_visitors', 'eventmill')(number, condition)) }}
{%- endmacro %}

{% macro postgres__packed_visitors(number, condition) -%}
string_agg(int4send({{ number }}), ''::bytea)
{%- if condition %}
filter (where {{ condition }})
{%- endif %}
{%- endmacro %}

{% macro duckdb__packed_visitors(number, condition) -%}
unhex(string_agg(printf('%08x', {{ number }}), ''){{ ' filter (where ' ~ condition ~ ')' if condition }})
{%- endmacro %}

{#- For PostgreSQL, which keeps columns that are longer than 2 KB compressed: sets are read whole, and
    stored as they are, reading one decompresses nothing. -#}
{% macro keep_uncompressed(relation, column) -%}
{{ return(adapter.dispatch('keep_uncompressed', 'eventmill')(relation, column)) }}
{%- endmacro %}

{% macro postgres__keep_uncompressed(relation, column) -%}
{% if not is_incremental() %}alter table {{ relation }} alter column {{ column }} set storage external{% endif %}
{%- endmacro %}

{% macro duckdb__keep_uncompressed(relation, column) -%}
{%- endmacro %}

{#-
  A join with few visitors would leave int_events, on PostgreSQL, to work out the channels of all
  events of three days before it drops most of them. One bit for each hash of a visitor is a value, so
  this reaches the scans. DuckDB filters the scans of such a join by itself.
-#}
{% macro visitor_marks(visitors) -%}
{{ return(adapter.dispatch('visitor_marks', 'eventmill')(visitors)) }}
{%- endmacro %}

{% macro postgres__visitor_marks(visitors) -%}
select
    string_agg(
        case when marked.bit is null then '0' else '1' end, '' order by bits.bit
    )::varbit as bits
from generate_series(0, 65535) as bits (bit)
left join (
    select distinct hashtext(visitor_id) & 65535 as bit from {{ visitors }}
) as marked on bits.bit = marked.bit
{%- endmacro %}

{% macro duckdb__visitor_marks(visitors) -%}
select count(*) as visitors from {{ visitors }}
{%- endmacro %}

{#- False for most visitors who are not in `visitors`, whose marks are `marks`; true for all others. -#}
{% macro may_be_marked(visitor_id, marks) -%}
{{ return(adapter.dispatch('may_be_marked', 'eventmill')(visitor_id, marks)) }}
{%- endmacro %}

{% macro postgres__may_be_marked(visitor_id, marks) -%}
get_bit((select bits from {{ marks }}), hashtext({{ visitor_id }}) & 65535) = 1
{%- endmacro %}

{% macro duckdb__may_be_marked(visitor_id, marks) -%}
true
{%- endmacro %}
