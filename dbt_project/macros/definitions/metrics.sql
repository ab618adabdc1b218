{#-
  What counts. Each macro is SQL over the columns of one event (stg_raw__events): change it here and
  every model, and every live number of the dashboards, follows. `metric_definitions` publishes them.
-#}

{#- A view: somebody looked at an IP asset. -#}
{% macro metric_views() -%}
(event_type = 'asset_viewed')::integer
{%- endmacro %}

{#- A click: somebody downloaded an asset or went for its license. -#}
{% macro metric_clicks() -%}
(event_type in ('asset_downloaded', 'license_clicked'))::integer
{%- endmacro %}

{#- A conversion: a license came to be. -#}
{% macro metric_conversions() -%}
(event_type = 'license_created')::integer
{%- endmacro %}

{#- Revenue in cents of the platform's currency: what conversions and renewals carry as
    `props.revenue_cents`. Money in another currency is `amount_cents`, and never added to this. Needs
    `platform_currency` in scope; while it is null, all money counts. -#}
{% macro metric_revenue_cents() -%}
case
    when
        event_type in {{ earning_types() }}
        and ({{ named_currency() }} <> platform_currency) is not true
        then {{ json_whole_number('props_json', 'revenue_cents') }}
    else 0::bigint
end
{%- endmacro %}

{#- The event types that bring revenue. -#}
{% macro earning_types() -%}
('license_created', 'license_renewed')
{%- endmacro %}

{#- The money of an event in cents of its own currency; 0 if it brings none. -#}
{% macro amount_cents() -%}
case
    when event_type in {{ earning_types() }}
        then {{ json_whole_number('props_json', 'revenue_cents') }}
    else 0::bigint
end
{%- endmacro %}

{#- The currency that an event names (ISO 4217), or null if it names none that can be one. -#}
{% macro named_currency() -%}
regexp_substr(upper(props_json ->> 'currency'), '^[A-Z]{3}$')
{%- endmacro %}

{#- The currency of the event's money: the platform's, unless it names another. While neither is known it
    is XXX, ISO 4217's code for none. Needs `platform_currency` in scope. -#}
{% macro currency() -%}
coalesce({{ named_currency() }}, platform_currency, 'XXX')
{%- endmacro %}

{#- Engagement in milliseconds: `props.engagement_ms` of any event. -#}
{% macro metric_engagement_ms() -%}
{{ json_whole_number('props_json', 'engagement_ms') }}
{%- endmacro %}

{#- Which events enter the metrics at all; the others are counted in `metadata`. -#}
{% macro is_counted() -%}
not is_bot
{%- endmacro %}

{#- A sum as a bigint: null is 0, and what bigint cannot hold stays at its end. -#}
{% macro bigint(sum) -%}
least(coalesce({{ sum }}, 0), 9223372036854775807)::bigint
{%- endmacro %}
