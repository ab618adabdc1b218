{{ config(
    materialized='view',
    post_hook="{{ tell_definitions() }}",
) }}

{#- Each is of counted events. -#}
{%- set metrics = {
    'views': ['Times that somebody looked at an IP asset', 'sum(' ~ metric_views() ~ ')'],
    'clicks': ['Downloads of an asset and clicks to license it', 'sum(' ~ metric_clicks() ~ ')'],
    'conversions': ['Licenses created', 'sum(' ~ metric_conversions() ~ ')'],
    'revenue_cents': [
        'Revenue of new and renewed licenses, in integer cents',
        'sum(' ~ metric_revenue_cents() ~ ')',
    ],
    'unique_visitors': ['Different visitors with any event', 'count(distinct visitor_id)'],
    'engagement_time': [
        'Time that visitors were engaged, in milliseconds', 'sum(' ~ metric_engagement_ms() ~ ')'
    ],
} %}

with metrics (metric, description, sql_expression, own_definition) as (
    values
    {%- for metric, (description, expression) in metrics.items() %}
    (
        '{{ metric }}',
        '{{ description }}',
        $sql${{ expression }} filter (where is_counted)$sql$,
        '{{ metric_hash(expression) }}'
    )
    {{- ',' if not loop.last }}
    {%- endfor %}
)

select
    metric,
    description,
    sql_expression,
    '{{ definitions_hash() }}'::text as definition,
    own_definition
from metrics
