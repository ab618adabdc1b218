{{ config(
    materialized='view',
    post_hook="{{ tell_definitions() }}",
) }}

with metrics (metric, description, sql_expression) as (
    values
    (
        'views',
        'Times that somebody looked at an IP asset',
        {{ published_sum(metric_views()) }}
    ),
    (
        'clicks',
        'Downloads of an asset and clicks to license it',
        {{ published_sum(metric_clicks()) }}
    ),
    (
        'conversions',
        'Licenses created',
        {{ published_sum(metric_conversions()) }}
    ),
    (
        'revenue_cents',
        'Revenue of new and renewed licenses, in integer cents',
        {{ published_sum(metric_revenue_cents()) }}
    ),
    (
        'unique_visitors',
        'Different visitors with any event',
        'count(distinct visitor_id) filter (where is_counted)'
    ),
    (
        'engagement_time',
        'Time that visitors were engaged, in milliseconds',
        {{ published_sum(metric_engagement_ms()) }}
    )
)

select
    metric,
    description,
    sql_expression,
    '{{ definitions_hash() }}'::text as definition
from metrics
