{{ config(event_time='date') }}

with traffic as (
    select distinct ip_asset_id
    from {{ ref('traffic_daily') }}
    where ip_asset_id is not null
),

-- What traffic does not tell: few events, since both conditions reach raw.events.
events as (
    select
        visitor_id,
        event_type = 'user_signed_up' as is_sign_up,
        {{ acting_brand() }} as brand_id
    from {{ unfiltered(ref('int_events')) }}
    where
        occurred_at >= {{ batch_start() }} and occurred_at < {{ batch_start(1) }}
        and (event_type = 'user_signed_up' or actor_type = 'brand')
        and is_counted
),

numbered as (
    select
        {{ visitor_number('seen.visitor_id') }} as visitor_number
    from (select distinct visitor_id from events where is_sign_up) as seen
)

select
    {{ batch_day() }} as date,
    coalesce(
        (select string_agg(int4send(numbered.visitor_number), ''::bytea) from numbered), ''::bytea
    ) as sign_ups,
    coalesce(
        (
            select jsonb_agg(distinct events.brand_id) from events
            where events.brand_id is not null
        ),
        '[]'::jsonb
    ) as brands,
    coalesce(
        (select string_agg({{ short_hash('traffic.ip_asset_id') }}, ''::bytea) from traffic),
        ''::bytea
    ) as assets
