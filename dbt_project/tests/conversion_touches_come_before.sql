{#- Touches come before their conversion, not longer before than the lookback, and are numbered
    from 1 on. Every conversion has one. -#}
with conversions as (
    select
        conversion_id,
        occurred_at
    from {{ ref('conversions') }}
    where {{ built_window('occurred_at', ref('conversions')) }}
),

touches as (
    select
        conversion_id,
        occurred_at,
        min(touched_at) as first_touched_at,
        max(touched_at) as last_touched_at,
        count(*) as touches,
        count(distinct touch_number) as numbers,
        min(touch_number) as first_number,
        max(touch_number) as last_number
    from {{ ref('conversion_touches') }}
    where {{ built_window('occurred_at', ref('conversion_touches')) }}
    group by conversion_id, occurred_at
)

select
    coalesce(conversions.conversion_id, touches.conversion_id) as conversion_id,
    to_jsonb(touches) as touches
from conversions
full outer join touches
    on
        conversions.occurred_at = touches.occurred_at
        and conversions.conversion_id = touches.conversion_id
where
    (
        touches.first_touched_at >= conversions.occurred_at - {{ lookback() }}
        and touches.last_touched_at <= conversions.occurred_at
        and touches.first_number = 1
        and touches.last_number = touches.touches
        and touches.numbers = touches.touches
    ) is not true
