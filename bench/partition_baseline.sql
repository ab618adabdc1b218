-- The yardstick of the partition benchmark: what an engineer who knows PostgreSQL would write by hand
-- to build both marts for one UTC day from raw, without dbt and without Dagster. The same columns, the
-- same constraints and indexes, the same numbers; the day is replaced as a whole.
--
-- The day is the setting bench.day: select set_config('bench.day', '2026-03-01', false).
-- Reads raw.events, the enrichment tables and seeds.ga4_source_categories.

create schema if not exists baseline;

create table if not exists baseline.attribution (
    event_id uuid not null,
    occurred_at timestamptz not null,
    visitor_id text not null,
    session_id text,
    utm_source text,
    utm_medium text,
    utm_campaign text,
    utm_term text,
    utm_content text,
    click_id text,
    referrer text,
    referrer_domain text,
    landing_page text,
    channel text not null,
    device_type text not null,
    browser text,
    browser_version text,
    os text,
    os_version text,
    country text,
    is_bot boolean not null,
    created_at timestamptz not null,
    primary key (occurred_at, event_id)
);

create table if not exists baseline.daily_metrics (
    date date not null,
    project_id text,
    ip_asset_id text,
    license_id text,
    views bigint not null,
    clicks bigint not null,
    conversions bigint not null,
    revenue_cents bigint not null,
    unique_visitors bigint not null,
    engagement_time bigint not null,
    metadata jsonb not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    unique nulls not distinct (ip_asset_id, project_id, license_id, date)
);

create index if not exists baseline_daily_metrics_date on baseline.daily_metrics (date);

begin;

delete from baseline.attribution
where
    occurred_at >= current_setting('bench.day')::timestamptz
    and occurred_at < current_setting('bench.day')::timestamptz + interval '1 day';

-- Each step materialized, so that its expressions run once an event.
with events as materialized (
    select
        *,
        lower(substring(referrer from '(?i)^https?://(?:[^/?#@]*@)?(?:www\.)?([^/?#:\s]+)'))
            as referrer_domain,
        case
            when referrer is not null
                then lower(substring(
                    page_url from '(?i)^https?://(?:[^/?#@]*@)?(?:www\.)?([^/?#:\s]+)'
                ))
        end as page_domain,
        case
            when referrer is not null
                then lower(substring(
                    landing_page from '(?i)^https?://(?:[^/?#@]*@)?(?:www\.)?([^/?#:\s]+)'
                ))
        end as landing_domain,
        nullif(nullif(lower(trim(utm_source)), ''), '(not set)') as source_tag,
        nullif(nullif(lower(trim(utm_medium)), ''), '(not set)') as medium_tag,
        nullif(nullif(lower(trim(utm_campaign)), ''), '(not set)') as campaign,
        click_id is not null
        and concat_ws(' ', landing_page, page_url) ~* '[?&](gclid|gbraid|wbraid)=' as is_google_click
    from raw.events
    where
        occurred_at >= current_setting('bench.day')::timestamptz
        and occurred_at < current_setting('bench.day')::timestamptz + interval '1 day'
),

external as (
    select
        *,
        case
            when
                referrer_domain is distinct from page_domain
                and referrer_domain is distinct from landing_domain
                then referrer_domain
        end as external_domain
    from events
),

sourced as materialized (
    select
        external.*,
        user_agents.device_type,
        user_agents.browser,
        user_agents.browser_version,
        user_agents.os,
        user_agents.os_version,
        user_agents.is_bot,
        coalesce(
            source_tag,
            case when is_google_click then 'google' end,
            external_domain,
            case when coalesce(medium_tag, campaign) is null then '(direct)' else '(not set)' end
        ) as origin,
        coalesce(
            medium_tag,
            case
                when source_tag is not null then '(not set)'
                when is_google_click then 'cpc'
                when external_domain is not null
                    then
                        case coalesce(ga4_source_categories.category, referrers.category)
                            when 'search' then 'organic'
                            when 'ai' then 'ai-assistant'
                            else 'referral'
                        end
                when campaign is not null then '(not set)'
                else '(none)'
            end
        ) as medium,
        coalesce(
            ga4_source_categories.category,
            case
                when source_tag is null and is_google_click is not true
                    and external_domain is not null
                    then referrers.category
            end
        ) as category
    from external
    left join enrichment.user_agents as user_agents using (user_agent)
    left join enrichment.referrers as referrers using (referrer_domain)
    left join seeds.ga4_source_categories as ga4_source_categories
        on ga4_source_categories.source
        = coalesce(source_tag, case when is_google_click then 'google' end, external_domain)
)

insert into baseline.attribution
select
    event_id,
    occurred_at,
    visitor_id,
    session_id,
    utm_source,
    utm_medium,
    utm_campaign,
    utm_term,
    utm_content,
    click_id,
    referrer,
    referrer_domain,
    landing_page,
    case
        when origin = '(direct)' and medium in ('(none)', '(not set)') then 'direct'
        when campaign like '%cross-network%' then 'cross_network'
        when
            (category = 'shopping' or campaign ~ '(^|[^a-df-z])shop|shopping')
            and medium ~ '^(.*cp.*|ppc|retargeting|paid.*)$' then 'paid_shopping'
        when origin = 'alibaba' and medium = '(not set)' then 'paid_shopping'
        when category = 'search' and medium ~ '^(.*cp.*|ppc|retargeting|paid.*)$' then 'paid_search'
        when category = 'social' and medium ~ '^(.*cp.*|ppc|retargeting|paid.*)$' then 'paid_social'
        when category = 'video' and medium ~ '^(.*cp.*|ppc|retargeting|paid.*)$' then 'paid_video'
        when medium in ('display', 'banner', 'expandable', 'interstitial', 'cpm') then 'display'
        when medium ~ '^(.*cp.*|ppc|retargeting|paid.*)$' then 'paid_other'
        when category = 'shopping' or campaign ~ '(^|[^a-df-z])shop|shopping' then 'organic_shopping'
        when
            category = 'social'
            or medium in (
                'social', 'social-network', 'social-media', 'sm', 'social network', 'social media'
            ) then 'organic_social'
        when category = 'video' or medium like '%video%' then 'organic_video'
        when category = 'search' or medium = 'organic' then 'organic_search'
        when medium = 'ai-assistant' then 'ai_assistant'
        when medium in ('referral', 'app', 'link') then 'referral'
        when
            origin in ('email', 'e-mail', 'e_mail', 'e mail')
            or medium in ('email', 'e-mail', 'e_mail', 'e mail') then 'email'
        when medium = 'affiliate' then 'affiliates'
        when medium = 'audio' then 'audio'
        when origin = 'sms' or medium = 'sms' then 'sms'
        when
            medium like '%push' or medium like '%mobile%' or medium like '%notification%'
            or origin = 'firebase' then 'mobile_push_notifications'
        else 'unassigned'
    end,
    coalesce(device_type, 'other'),
    browser,
    browser_version,
    os,
    os_version,
    country,
    coalesce(is_bot, false),
    created_at
from sourced;

commit;

begin;

-- created_at of a day that is built again is kept.
create temporary table replaced on commit drop as
select project_id, ip_asset_id, license_id, created_at
from baseline.daily_metrics
where date = current_setting('bench.day')::date;

delete from baseline.daily_metrics
where date = current_setting('bench.day')::date;

with events as (
    select
        events.project_id,
        events.ip_asset_id,
        events.license_id,
        events.visitor_id,
        coalesce(user_agents.is_bot, false) as is_bot,
        (events.event_type = 'asset_viewed')::int as views,
        (events.event_type in ('asset_downloaded', 'license_clicked'))::int as clicks,
        (events.event_type = 'license_created')::int as conversions,
        case
            when
                events.event_type in ('license_created', 'license_renewed')
                and jsonb_typeof(events.props_json -> 'revenue_cents') = 'number'
                then greatest(trunc((events.props_json -> 'revenue_cents')::numeric), 0)::bigint
            else 0
        end as revenue_cents,
        case
            when jsonb_typeof(events.props_json -> 'engagement_ms') = 'number'
                then greatest(trunc((events.props_json -> 'engagement_ms')::numeric), 0)::bigint
            else 0
        end as engagement_ms
    from raw.events as events
    left join enrichment.user_agents as user_agents using (user_agent)
    where
        events.occurred_at >= current_setting('bench.day')::timestamptz
        and events.occurred_at < current_setting('bench.day')::timestamptz + interval '1 day'
),

totals as (
    select
        project_id,
        ip_asset_id,
        license_id,
        coalesce(sum(views) filter (where not is_bot), 0) as views,
        coalesce(sum(clicks) filter (where not is_bot), 0) as clicks,
        coalesce(sum(conversions) filter (where not is_bot), 0) as conversions,
        coalesce(sum(revenue_cents) filter (where not is_bot), 0) as revenue_cents,
        count(distinct visitor_id) filter (where not is_bot) as unique_visitors,
        coalesce(sum(engagement_ms) filter (where not is_bot), 0) as engagement_time,
        count(*) filter (where is_bot) as bot_events,
        count(distinct visitor_id) filter (where is_bot) as bot_visitors
    from events
    group by grouping sets ((), project_id, ip_asset_id, license_id, (project_id, ip_asset_id))
    having
        count(*) > 0
        and (grouping(project_id) = 1 or project_id is not null)
        and (grouping(ip_asset_id) = 1 or ip_asset_id is not null)
        and (grouping(license_id) = 1 or license_id is not null)
)

insert into baseline.daily_metrics
select
    current_setting('bench.day')::date,
    totals.project_id,
    totals.ip_asset_id,
    totals.license_id,
    totals.views,
    totals.clicks,
    totals.conversions,
    totals.revenue_cents,
    totals.unique_visitors,
    totals.engagement_time,
    jsonb_build_object('bot_events', totals.bot_events, 'bot_visitors', totals.bot_visitors),
    coalesce(replaced.created_at, now()),
    now()
from totals
left join replaced
    on
        coalesce(totals.project_id, '') = coalesce(replaced.project_id, '')
        and coalesce(totals.ip_asset_id, '') = coalesce(replaced.ip_asset_id, '')
        and coalesce(totals.license_id, '') = coalesce(replaced.license_id, '');

commit;
