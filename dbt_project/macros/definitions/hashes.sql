{#-
  Hashes of definitions, which answers and receipts carry: one over all rules, and one for each of the
  dashboards' numbers. A rule is hashed as the SQL that it gives, so a comment changes nothing. What only
  puts rules together, and the SQL of models, is not hashed.
-#}
{% macro definitions_hash() -%}
{{ local_md5((
    rules_of_events() + rules_of_traffic() + rules_of_sessions() + rules_of_credits()
    + rules_of_entities() + described_metrics() + lists_of_rules()
) | join('\n')) }}
{%- endmacro %}

{#- Of one number: its SQL, which events count, and who a visitor is. -#}
{% macro metric_hash(expression) -%}
{{ local_md5([expression, is_counted(), is_bot(), visitor()] | join('\n')) }}
{%- endmacro %}

{% macro rules_of_events() -%}
{{ return([
    metric_views(), metric_clicks(), metric_conversions(), metric_revenue_cents(), earning_types(),
    amount_cents(), named_currency(), currency(), metric_engagement_ms(), is_counted(), bigint('sum'),
    is_bot(), visitor(), link_holds(), reached_by(), trust(), acting_brand(), short_hash('text'),
]) }}
{%- endmacro %}

{% macro rules_of_traffic() -%}
{{ return([
    is_google_ads_click(), external_domain(), known_source(), traffic_source(), traffic_medium(),
    source_category(), channel('source', 'medium', 'campaign', 'category'),
]) }}
{%- endmacro %}

{% macro rules_of_sessions() -%}
{{ return([
    session_pause(), numbered_session_pause(), is_page_view(), is_engaged_session(), session_id(),
    numbered_position(), session_id_of_position('position'), is_direct('source'),
    touch_fields() | join(', '), touch_field('source'), touch_evidence() | join(', '),
]) }}
{%- endmacro %}

{% macro rules_of_credits() -%}
{{ return([
    earns(), is_claimed_link(), lookback(), credit_weights(), credit_first_touch(), credit_last_touch(),
    credit_last_non_direct(), credit_position_based(), credit_time_decay(), credit_parts(),
    cut_off('share', 'total'), with_remainder('whole', 'rest', 'sum'),
    var('campaign_attribution_model'),
]) }}
{%- endmacro %}

{% macro rules_of_entities() -%}
{{ return([
    same_entity('one', 'other'), entity_sets([['id']], 'value'), is_of_an_entity(),
    same_values(['id'], 'one', 'other'), traffic_rollups() | tojson,
]) }}
{%- endmacro %}

{#- models/metrics.yml, without its words. -#}
{% macro described_metrics() -%}
{%- set found = [] -%}
{%- set traffic = traffic_model() -%}
{%- for part in traffic.dimensions + traffic.measures -%}
    {%- do found.append([part.name, part.expr, part.agg or part.type] | join(' ')) -%}
{%- endfor -%}
{%- for metric in (graph.metrics or {}).values() | sort(attribute='name') -%}
    {%- set filter = (metric.filter or '') | tojson -%}
    {%- do found.append([metric.name, metric.type, metric.type_params | tojson, filter] | join(' ')) -%}
{%- endfor -%}
{{ return(found) }}
{%- endmacro %}

{#- The lists of sources and of bots: dbt's checksums of the seeds. -#}
{% macro lists_of_rules() -%}
{%- set found = [] -%}
{%- for node in (graph.nodes or {}).values() | sort(attribute='name')
    if node.resource_type == 'seed' -%}
    {%- do found.append(node.name ~ ' ' ~ node.checksum.checksum) -%}
{%- endfor -%}
{{ return(found) }}
{%- endmacro %}
