{{ config(materialized='view') }}

{%- set tags = ['source', 'medium', 'campaign', 'term', 'content'] -%}
{%- set keys = ['date'] + tags + ['channel'] -%}
{%- set of_visits = ['visits', 'engaged_visits', 'views', 'clicks'] -%}
{%- set of_credits = ['conversions', 'revenue_cents', 'other_revenue'] -%}
{#- While the platform has no currency, all money is its own. -#}
{%- set is_other_money = 'currency != (select platform.currency from platform)' -%}
{%- set of_spend = ['cost_cents', 'other_cost', 'impressions', 'ad_clicks'] -%}

with visits as (
    select * from {{ unfiltered(ref('int_campaign_visits')) }}
),

credits as (
    select * from {{ unfiltered(ref('int_conversion_credits')) }}
),

ad_spend as (
    select * from {{ source('raw', 'ad_spend') }}
),

source_categories as (
    select * from {{ ref('ga4_source_categories') }}
),

platform as (
    select currency from {{ source('enrichment', 'platform_currency') }}
),

tagged_spend as (
    select
        date,
        coalesce(rules.clean_tag(source), '(not set)') as source,
        coalesce(rules.clean_tag(medium), '(not set)') as medium,
        rules.clean_tag(campaign) as campaign,
        rules.clean_tag(term) as term,
        rules.clean_tag(content) as content,
        currency,
        cost_cents,
        impressions,
        clicks
    from ad_spend
),

spent as (
    select
        tagged_spend.*,
        {{ channel(
            'tagged_spend.source', 'tagged_spend.medium', 'tagged_spend.campaign',
            'source_categories.category'
        ) }} as channel
    from tagged_spend
    left join source_categories on tagged_spend.source = source_categories.source
),

-- Each in its columns, one below the other: what has the same keys meets in the group, nulls too,
-- and a range of dates reaches the three tables.
parts as (
    select
        {{ keys | join(',\n        ') }},
        visits,
        engaged_visits,
        views,
        clicks,
        {%- for column in of_credits + of_spend %}
        {{ 'null' if column == 'conversions' else whole_number('null') }} as {{ column }},
        {%- endfor %}
        null as currency
    from visits
    union all
    select
        {{ utc_day('occurred_at') }} as date,
        {{ keys[1:] | join(',\n        ') }},
        {%- for column in of_visits %}
        null as {{ column }},
        {%- endfor %}
        credit as conversions,
        revenue_cents,
        case when {{ is_other_money }} then amount_cents end as other_revenue,
        null as cost_cents,
        null as other_cost,
        null as impressions,
        null as ad_clicks,
        currency
    from credits
    where model = '{{ var("campaign_attribution_model") }}'
    union all
    select
        {{ keys | join(',\n        ') }},
        {%- for column in of_visits + of_credits %}
        null as {{ column }},
        {%- endfor %}
        case when ({{ is_other_money }}) is not true then cost_cents end as cost_cents,
        case when {{ is_other_money }} then cost_cents end as other_cost,
        impressions,
        clicks as ad_clicks,
        currency
    from spent
),

by_currency as (
    select
        {{ keys | join(',\n        ') }},
        {%- for column in of_visits + of_credits + of_spend %}
        sum({{ column }}) as {{ column }},
        {%- endfor %}
        currency
    from parts
    group by {{ keys | join(', ') }}, currency
),

totals as (
    select
        {{ keys | join(',\n        ') }},
        {%- for column in of_visits %}
        coalesce(sum({{ column }}), 0)::bigint as {{ column }},
        {%- endfor %}
        coalesce(sum(conversions), 0)::numeric(28, 10) as conversions,
        coalesce(sum(revenue_cents), 0)::bigint as revenue_cents,
        coalesce(
            {{ json_object_of_rows('currency', 'other_revenue', 'other_revenue > 0') }},
            '{}'::jsonb
        ) as other_revenue,
        sum(cost_cents)::bigint as cost_cents,
        coalesce(
            {{ json_object_of_rows('currency', 'other_cost', 'other_cost is not null') }},
            '{}'::jsonb
        ) as other_cost,
        sum(impressions)::bigint as impressions,
        sum(ad_clicks)::bigint as ad_clicks
    from by_currency
    group by {{ keys | join(', ') }}
)

select
    {{ keys | join(',\n    ') }},

    visits,
    engaged_visits,
    views,
    clicks,
    conversions,
    revenue_cents,
    other_revenue,

    cost_cents,
    other_cost,
    impressions,
    ad_clicks,
    {{ ratio('cost_cents', 'nullif(conversions, 0)', 2, divisor_digits=10) }}::numeric(28, 2)
        as cost_per_acquisition_cents,
    {{ ratio('revenue_cents', whole_number('nullif(cost_cents, 0)'), 4) }}::numeric(28, 4)
        as return_on_ad_spend
from totals
