{{
    config(
        event_time='date',
        meta={'appended': true},
    )
}}

-- Whatever a build writes comes before its receipt.
{%- set written = [
    'int_campaign_visits', 'int_conversion_credits', 'dim_assets', 'dim_brands', 'dim_creators',
    'dim_licenses', 'dim_license_history', 'dim_projects', 'dim_project_history',
] %}
{%- set of_postgres = [
    'int_platform_days', 'int_platform_visitors', 'int_project_days', 'int_traffic_days',
] %}
{%- for model in written + (of_postgres if target.type == 'postgres' else []) %}
-- depends_on: {{ ref(model) }}
{%- endfor %}
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
