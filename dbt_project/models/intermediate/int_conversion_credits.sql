{{
    config(
        event_time='occurred_at',
        meta={'replaced_by': ['occurred_at', 'conversion_id']},
        indexes=[
            {'columns': ['occurred_at', 'conversion_id']},
            {'columns': ['model', '(' ~ utc_day('occurred_at') ~ ')']},
        ],
    )
}}

{%- set origin = ['source', 'medium', 'campaign', 'term', 'content', 'channel'] -%}
{%- set ids = ['project_id', 'ip_asset_id', 'license_id', 'brand_id'] -%}

with conversions as (
    {{ conversions_to_credit(this) }}
),

conversion_touches as (
    select * from {{ unfiltered(ref('conversion_touches')) }}
),

touched as (
    select
        conversions.conversion_id,
        conversions.occurred_at,
        conversions.amount_cents,
        conversions.revenue_cents,
        conversions.currency,
        {%- for column in ids %}
        conversions.{{ column }},
        {%- endfor %}
        conversion_touches.touch_number,
        conversion_touches.touched_at,
        conversion_touches.reached_by,
        {%- for column in origin %}
        conversion_touches.{{ column }},
        {%- endfor %}
        conversions.occurred_at - conversion_touches.touched_at as age,
        count(*) over (partition by conversions.conversion_id) as touches,
        max(conversion_touches.touch_number) filter (
            where not conversion_touches.is_direct
        ) over (partition by conversions.conversion_id) as last_non_direct
    from conversions
    inner join conversion_touches
        on
            conversions.occurred_at = conversion_touches.occurred_at
            and conversions.conversion_id = conversion_touches.conversion_id
),

weighted as (
    select
        touched.*,
        weights.model,
        weights.weight,
        sum(weights.weight) over (
            partition by touched.conversion_id, weights.model
        ) as all_weights
    from touched
    cross join lateral ({{ credit_weights() }}) as weights (model, weight)
    where weights.weight > 0
),

shared as (
    select
        *,
        div(weight * {{ credit_parts() }}, all_weights) as whole_parts,
        {{ cut_off('weight * ' ~ credit_parts(), 'all_weights') }} as part_cut_off
    from weighted
),

parted as (
    select
        *,
        {{ with_remainder('whole_parts', 'part_cut_off', credit_parts()) }} as parts
    from shared
),

paid as (
    select
        *,
        div(amount_cents * parts, {{ credit_parts() }}) as whole_amount_cents,
        {{ cut_off('amount_cents * parts', credit_parts()) }} as cut_off_amount_cents,
        div(revenue_cents * parts, {{ credit_parts() }}) as whole_revenue_cents,
        {{ cut_off('revenue_cents * parts', credit_parts()) }} as cut_off_revenue_cents
    from parted
),

settled as (
    select
        *,
        {{ with_remainder('whole_amount_cents', 'cut_off_amount_cents', 'amount_cents') }}
            as credited_amount,
        {{ with_remainder('whole_revenue_cents', 'cut_off_revenue_cents', 'revenue_cents') }}
            as credited_revenue
    from paid
)

select
    conversion_id,
    occurred_at,
    model,
    touch_number,
    touched_at,
    reached_by,
    {{ origin | join(',\n    ') }},
    {{ ids | join(',\n    ') }},

    {{ ratio('parts', credit_parts(), 10) }}::numeric(12, 10) as credit,
    credited_amount::bigint as amount_cents,
    currency,
    credited_revenue::bigint as revenue_cents
from settled
