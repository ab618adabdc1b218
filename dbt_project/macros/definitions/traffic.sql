{#-
  By what traffic can be looked at, and what can be added up of it. A new metric is a name in the
  second list, a column of that name in int_traffic, and its description in traffic_daily.yml: roll-ups
  and the query API follow.
-#}
{% macro traffic_dimensions() -%}
{{ return([
    'ip_asset_id', 'project_id', 'actor_type', 'channel', 'source', 'medium', 'campaign',
    'country', 'device', 'browser', 'os',
]) }}
{%- endmacro %}

{% macro traffic_metrics() -%}
{{ return(['events', 'views', 'clicks', 'conversions', 'revenue_cents', 'engagement_time']) }}
{%- endmacro %}

{#- The roll-ups of int_traffic_days, by name: what each is grouped by besides the day. -#}
{% macro traffic_rollups() -%}
{{ return({
    'asset_channel': ['ip_asset_id', 'channel'],
    'channel': ['channel'],
    'source': ['channel', 'source', 'medium', 'campaign'],
    'country': ['country'],
    'device': ['device', 'browser', 'os'],
    'actor_type': ['actor_type'],
}) }}
{%- endmacro %}

{#- The sum of each metric, or the sums of `relation` as they are. -#}
{% macro traffic_sums(relation=none) -%}
{%- for metric in traffic_metrics() -%}
{{ relation ~ '.' ~ metric if relation else bigint('sum(' ~ metric ~ ')') ~ ' as ' ~ metric }}
{{- ', ' if not loop.last }}
{%- endfor -%}
{%- endmacro %}

{#- Whether two rows of a roll-up have the same values, null being one. Fit for a hash join. -#}
{% macro same_values(columns, one, other) -%}
{%- for column in columns -%}
coalesce('=' || {{ one }}.{{ column }}, '') = coalesce('=' || {{ other }}.{{ column }}, '')
{{- ' and ' if not loop.last }}
{%- endfor -%}
{%- endmacro %}

{#- The sums (`sums`) and visitors (`sets`) of `traffic` by some columns, where `condition` holds.
    Visitors apart from sums, which then need no place for each visitor. -#}
{% macro traffic_by(columns, condition='true') -%}
(
    select
        {{ columns | join(', ') }},
        {{ traffic_sums() }}
    from traffic
    where {{ condition }}
    group by {{ columns | join(', ') }}
) as sums
left join (
    select
        {{ columns | join(', ') }},
        count(*) as unique_visitors,
        string_agg(int4send(visitor_number), ''::bytea) as visitors
    from (
        select distinct {{ columns | join(', ') }}, visitor_number
        from traffic
        where visitor_number is not null and {{ condition }}
    ) as visited
    group by {{ columns | join(', ') }}
) as sets
    on {{ same_values(columns, 'sums', 'sets') }}
{%- endmacro %}
