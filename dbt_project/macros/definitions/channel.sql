{#-
  Where an event came from (source, medium, campaign) and which channel that is.

  The channels and the order of their rules are those of Google Analytics 4's default channel group
  for manual traffic: https://support.google.com/analytics/answer/9756891. The first match wins.
-#}

{#- Google Ads marks its clicks in the URL. Other click ids are no evidence: Facebook's fbclid is on
    free links too, and a click id without its name in a URL may be anybody's. -#}
{% macro is_google_ads_click() -%}
events.click_id is not null
and regexp_like(
    concat_ws(' ', events.landing_page, events.page_url), '[?&](gclid|gbraid|wbraid)=', 'i'
)
{%- endmacro %}

{#- The referring domain, unless it is the site's own: a visitor who moves within the site came from
    nowhere else. Most hosts differ already as text, which is cheap to see. The joined domain is the
    event's, and saves working that out again. -#}
{% macro external_domain() -%}
{%- set domain = 'coalesce(referrers.referrer_domain, events.referrer_domain)' -%}
case
    when
        events.referrer is not null
        {%- for url in ['events.page_url', 'events.landing_page'] %}
        and (
            strpos({{ ascii_lower(url) }}, {{ domain }}) > 0
            and {{ url_host(url) }} = {{ domain }}
        ) is not true
        {%- endfor %}
        then {{ domain }}
end
{%- endmacro %}

{#- The source that something tells, which GA4's list is looked up with. -#}
{% macro known_source() -%}
coalesce(
    rules.clean_tag(events.utm_source),
    case when {{ is_google_ads_click() }} then 'google' end,
    {{ external_domain() }}
)
{%- endmacro %}

{#- A site that the lists know goes by its short name (`google` for google.de), as in GA4. With other
    tags alone a source is not set; with nothing at all the visit is direct. -#}
{% macro traffic_source() -%}
coalesce(
    source_tag,
    case when is_google_ads_click then 'google' end,
    case when external_domain is not null then coalesce(referrer_source, external_domain) end,
    case when coalesce(medium_tag, campaign_tag) is null then '(direct)' else '(not set)' end
)
{%- endmacro %}

{% macro traffic_medium() -%}
coalesce(
    medium_tag,
    case
        when source_tag is not null then '(not set)'
        when is_google_ads_click then 'cpc'
        when external_domain is not null then
            case {{ source_category() }}
                when 'search' then 'organic'
                when 'ai' then 'ai-assistant'
                else 'referral'
            end
        when campaign_tag is not null then '(not set)'
        else '(none)'
    end
)
{%- endmacro %}

{#- GA4's own list first; the referrer lists know hosts that it names only by brand. -#}
{% macro source_category() -%}
coalesce(
    ga4_category,
    case
        when source_tag is null and is_google_ads_click is not true and external_domain is not null
            then referrer_category
    end
)
{%- endmacro %}

{#- The default channel group of a source, medium and campaign (each in lower case, a missing one
    null, empty or `(not set)`) and the source's category. -#}
{% macro channel(source, medium, campaign, category) -%}
{%- set is_paid -%}
({{ medium }} like '%cp%' or {{ medium }} in ('ppc', 'retargeting') or {{ medium }} like 'paid%')
{%- endset -%}
{%- set is_shopping -%}
({{ category }} = 'shopping' or regexp_like({{ campaign }}, '(^|[^a-df-z])shop|shopping'))
{%- endset -%}
{%- set email = "('email', 'e-mail', 'e_mail', 'e mail')" -%}
case
    when {{ source }} = '(direct)' and {{ medium }} in ('(none)', '(not set)') then 'direct'
    when {{ campaign }} like '%cross-network%' then 'cross_network'
    when {{ is_shopping }} and {{ is_paid }} then 'paid_shopping'
    {#- The 30 published cases of the dbt-ga4 package want this one; by GA4's table it is organic. #}
    when {{ source }} = 'alibaba' and {{ medium }} = '(not set)' then 'paid_shopping'
    when {{ category }} = 'search' and {{ is_paid }} then 'paid_search'
    when {{ category }} = 'social' and {{ is_paid }} then 'paid_social'
    when {{ category }} = 'video' and {{ is_paid }} then 'paid_video'
    when {{ medium }} in ('display', 'banner', 'expandable', 'interstitial', 'cpm') then 'display'
    when {{ is_paid }} then 'paid_other'
    when {{ is_shopping }} then 'organic_shopping'
    when
        {{ category }} = 'social'
        or {{ medium }} in (
            'social', 'social-network', 'social-media', 'sm', 'social network', 'social media'
        ) then 'organic_social'
    when {{ category }} = 'video' or {{ medium }} like '%video%' then 'organic_video'
    when {{ category }} = 'search' or {{ medium }} = 'organic' then 'organic_search'
    when {{ medium }} = 'ai-assistant' then 'ai_assistant'
    when {{ medium }} in ('referral', 'app', 'link') then 'referral'
    when {{ source }} in {{ email }} or {{ medium }} in {{ email }} then 'email'
    when {{ medium }} = 'affiliate' then 'affiliates'
    when {{ medium }} = 'audio' then 'audio'
    when {{ source }} = 'sms' or {{ medium }} = 'sms' then 'sms'
    when
        {{ medium }} like '%push'
        or {{ medium }} like '%mobile%'
        or {{ medium }} like '%notification%'
        or {{ source }} = 'firebase' then 'mobile_push_notifications'
    else 'unassigned'
end
{%- endmacro %}
