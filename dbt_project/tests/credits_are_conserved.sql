{#- Of each conversion, under each of the six models, the credits sum to 1 and the money to its
    money, to the cent; none is missing, none negative, none without a conversion. -#}
with conversions as (
    select
        conversion_id,
        occurred_at,
        amount_cents,
        revenue_cents
    from {{ ref('conversions') }}
    where {{ built_window('occurred_at', ref('conversions')) }}
),

models as (
    select unnest(array{{ attribution_models() | list }}) as model
),

sums as (
    select
        occurred_at,
        conversion_id,
        model,
        sum(credit) as credit,
        sum(amount_cents) as amount_cents,
        sum(revenue_cents) as revenue_cents,
        least(min(credit), min(amount_cents), min(revenue_cents)) as least_of_all,
        count(*) - count(distinct touch_number) as copies
    from {{ ref('int_conversion_credits') }}
    where {{ built_window('occurred_at', ref('int_conversion_credits')) }}
    group by occurred_at, conversion_id, model
),

expected as (
    select
        conversions.*,
        models.model
    from conversions
    cross join models
)

select
    coalesce(expected.conversion_id, sums.conversion_id) as conversion_id,
    coalesce(expected.model, sums.model) as model,
    to_jsonb(expected) as conversion,
    to_jsonb(sums) as credited
from expected
full outer join sums
    on
        expected.occurred_at = sums.occurred_at
        and expected.conversion_id = sums.conversion_id
        and expected.model = sums.model
where
    (
        sums.credit = 1
        and sums.amount_cents = expected.amount_cents
        and sums.revenue_cents = expected.revenue_cents
        and sums.least_of_all >= 0
        and sums.copies = 0
    ) is not true
