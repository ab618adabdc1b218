{{
    config(
        event_time='date',
        meta={'appended': true},
    )
}}

-- Whatever a build writes comes before its receipt.
-- depends_on: {{ ref('int_campaign_visits') }}
-- depends_on: {{ ref('int_conversion_credits') }}
{%- if target.type == 'postgres' %}
-- depends_on: {{ ref('int_platform_days') }}
-- depends_on: {{ ref('int_platform_visitors') }}
-- depends_on: {{ ref('int_project_days') }}
-- depends_on: {{ ref('int_traffic_days') }}
{%- endif %}
-- depends_on: {{ ref('dim_assets') }}
-- depends_on: {{ ref('dim_brands') }}
-- depends_on: {{ ref('dim_creators') }}
-- depends_on: {{ ref('dim_licenses') }}
-- depends_on: {{ ref('dim_license_history') }}
-- depends_on: {{ ref('dim_projects') }}
-- depends_on: {{ ref('dim_project_history') }}
with built as (
    select
        event_id,
        is_bot
    from {{ ref('attribution') }}
),

received as (
    select received_at from {{ ref('stg_raw__events') }}
),

platform as (
    select
        views,
        conversions,
        revenue_cents
    from {{ ref('daily_metrics') }}
    where project_id is null and ip_asset_id is null and license_id is null
),

counts as (
    select
        count(*) as events,
        count(*) filter (where not is_bot) as counted,
        count(*) filter (where is_bot) as bot_events,
        count(*) - count(distinct event_id) as duplicates
    from built
),

lateness as (
    select count(*) as late
    from received
    where received_at >= ({{ batch_day() }} + 1)::timestamp at time zone 'UTC'
),

builds as (
    select
        build_id,
        watermark,
        parser_version
    from {{ source('enrichment', 'builds') }}
    where build_id = {{ running_build() }}
)

select
    {{ batch_day() }} as date,
    now() as built_at,
    builds.build_id,
    '{{ definitions_hash() }}'::text as definition,
    builds.parser_version,
    builds.watermark,

    counts.events,
    counts.counted,
    counts.bot_events,
    counts.duplicates,
    lateness.late,
    coalesce(platform.views, 0) as views,
    coalesce(platform.conversions, 0) as conversions,
    coalesce(platform.revenue_cents, 0) as revenue_cents
from counts
cross join lateness
left join platform on true
left join builds on true
