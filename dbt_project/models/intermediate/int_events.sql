{#- A condition on occurred_at or ip_asset_id reaches raw.events, and a join whose columns a query
    does not use is removed, because every join key here is unique.

    PostgreSQL copies the expression of a column to each place that mentions it, unless the query has
    a WITH clause of its own; then it is worked out once. `located` and `traced` have one for that
    reason: without, the channels of a million events take twice as long.

    What is `unstored` was classified by whoever reads, and handed over with the query: see
    docs/decisions/0029-reading-writes-nothing.md. In a build it is empty. -#}
with located as (
    with events as (
        select * from {{ ref('stg_raw__events') }}
    ),

    user_agents as (
        select * from {{ source('enrichment', 'user_agents') }}
    ),

    referrers as (
        select * from {{ source('enrichment', 'referrers') }}
    ),

    unstored_user_agents as (
        select distinct on (user_agent) * from enrichment.unstored_user_agents()
    ),

    unstored_referrers as (
        select distinct on (referrer_domain) * from enrichment.unstored_referrers()
    ),

    source_categories as (
        select * from {{ ref('ga4_source_categories') }}
    ),

    identities as (
        select * from {{ source('raw', 'identities') }}
    ),

    platform as (
        select currency from {{ source('enrichment', 'platform_currency') }}
    )

    select
        events.*,
        (select platform.currency from platform) as platform_currency,
        {{ visitor() }} as visitor,
        {{ trust() }} as sender_trust,
        {{ reached_by() }} as reached_by,
        coalesce(referrers.referrer_domain, events.referrer_domain) as domain,
        rules.clean_tag(events.utm_source) as source_tag,
        rules.clean_tag(events.utm_medium) as medium_tag,
        rules.clean_tag(events.utm_campaign) as campaign_tag,
        {{ is_google_ads_click() }} as is_google_ads_click,
        {{ external_domain() }} as external_domain,
        source_categories.category as ga4_category,
        coalesce(referrers.category, unstored_referrers.category) as referrer_category,
        coalesce(referrers.source, unstored_referrers.source) as referrer_source,
        coalesce(
            user_agents.device_type, unstored_user_agents.device_type, 'other'
        ) as device_type,
        coalesce(user_agents.browser, unstored_user_agents.browser) as browser,
        coalesce(
            user_agents.browser_version, unstored_user_agents.browser_version
        ) as browser_version,
        coalesce(user_agents.os, unstored_user_agents.os) as os,
        coalesce(user_agents.os_version, unstored_user_agents.os_version) as os_version,
        {{ is_bot() }} as is_bot,
        events.user_agent is null
        or coalesce(
            user_agents.user_agent, unstored_user_agents.user_agent
        ) is not null as is_user_agent_enriched,
        coalesce(referrers.referrer_domain, unstored_referrers.referrer_domain) is not null
        or events.referrer_domain is null as is_referrer_enriched
    from events
    left join user_agents on events.user_agent = user_agents.user_agent
    left join referrers on events.referrer_domain = referrers.referrer_domain
    left join unstored_user_agents
        on
            case when user_agents.user_agent is null then events.user_agent end
            = unstored_user_agents.user_agent
    left join unstored_referrers
        on
            case when referrers.referrer_domain is null then events.referrer_domain end
            = unstored_referrers.referrer_domain
    left join source_categories on {{ known_source() }} = source_categories.source
    left join identities on events.anonymous_id = identities.anonymous_id
),

traced as (
    with own as (select * from located)

    select
        *,
        {{ traffic_source() }} as traffic_source,
        {{ traffic_medium() }} as traffic_medium,
        {{ source_category() }} as source_category
    from own
)

select
    event_id,
    visitor as visitor_id,
    anonymous_id,
    session_id,
    project_id,
    ip_asset_id,
    license_id,
    actor_type,
    actor_id,
    brand_id,
    creator_id,

    source as event_source,
    event_type,
    page_url,
    landing_page,
    referrer,
    domain as referrer_domain,
    utm_source,
    utm_medium,
    utm_campaign,
    utm_term,
    utm_content,
    click_id,
    traffic_source,
    traffic_medium,
    campaign_tag as traffic_campaign,
    source_category,
    {{ channel('traffic_source', 'traffic_medium', 'campaign_tag', 'source_category') }} as channel,
    user_agent,
    device_type,
    browser,
    browser_version,
    os,
    os_version,
    country,
    props_json,
    sender_trust as trust,
    reached_by,

    is_bot,
    {{ is_counted() }} as is_counted,
    is_user_agent_enriched,
    is_referrer_enriched,

    {{ metric_views() }} as views,
    {{ metric_clicks() }} as clicks,
    {{ metric_conversions() }} as conversions,
    {{ metric_revenue_cents() }} as revenue_cents,
    {{ amount_cents() }} as amount_cents,
    {{ currency() }} as currency,
    platform_currency,
    {{ metric_engagement_ms() }} as engagement_ms,

    occurred_at,
    received_at,
    created_at
from traced
