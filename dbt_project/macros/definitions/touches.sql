{#-
  What a touch is: an arrival from somewhere. The first event of a session is one, wherever it came
  from; a later event is one if it carries a source and that (source, medium, campaign) is not the
  one of the touch before. Moving on within the site carries none. What a browser claims to be of the
  visitor is compared with its like only, so it hides no arrival that is the visitor's for sure.
-#}

{#- Whether a source is none. -#}
{% macro is_direct(source) -%}
{{ source }} = '(direct)'
{%- endmacro %}

{#- Where a touch came from, as sessions keep it. -#}
{% macro touch_fields() -%}
{{ return([
    'source', 'medium', 'campaign', 'term', 'content', 'channel',
    'click_id', 'referrer_domain', 'landing_page',
]) }}
{%- endmacro %}

{#- A field of a row of `touches_of`, under its own name in a select list. -#}
{% macro touch_field(name) -%}
{%- set type = {
    'touched_at': 'timestamptz', 'received_at': 'timestamptz', 'event_id': 'uuid', 'trust': 'smallint',
}.get(name) -%}
{%- if type -%}
(touch.fields ->> '{{ name }}')::{{ type }}
{%- else -%}
touch.fields ->> '{{ name }}'
{%- endif -%}
{%- endmacro %}

{#- What says how much a touch is worth: touches of before 0038 have none of it. -#}
{% macro touch_evidence() -%}
{{ return(['received_at', 'trust', 'reached_by']) }}
{%- endmacro %}

{#-
  Whether a touch earns credit of the conversion that it led to. Whoever knows of a sale could send an
  arrival that is dated before it: so it has to be there when the conversion arrives, unless its sender is
  a server, or is more trusted than who sent the conversion. Touches and conversions that were built
  before this was known are believed.
-#}
{% macro earns() -%}
coalesce(received_at <= conversion_received_at, true)
or coalesce(trust, 3) = 3
or trust > conversion_trust
{%- endmacro %}

{#- Links that browsers claim: sessions of the anonymous id may have led the user to what they bought
    after the claim. Before it, and for all numbers but credits, they are somebody else's. -#}
{% macro claimed_links() -%}
select
    rules.anonymous_visitor(anonymous_id) as anonymous_visitor,
    rules.actor_visitor(user_id) as visitor_id,
    received_at
from {{ source('raw', 'identities') }}
where {{ is_claimed_link() }}
{%- endmacro %}

{% macro is_claimed_link() -%}
not verified
{%- endmacro %}

{#- How long before a conversion a touch still counts. -#}
{% macro lookback() -%}
interval '{{ var("lookback_days") }} days'
{%- endmacro %}

{#-
  The conversions that a batch credits: the day's, and those of later days, built before, that touches
  of the day lead to or led to. So it does not matter in which order days are built, and a late event
  reaches the conversions after it. Days that this invocation builds anyway are left to their batches.
  `credited` is the table being built: a conversion whose touch is gone is in it.
-#}
{% macro conversions_to_credit(credited) -%}
select *
from {{ unfiltered(ref('conversions')) }}
where occurred_at >= {{ batch_start() }} and occurred_at < {{ batch_start(1) }}
union all
select *
from {{ unfiltered(ref('conversions')) }}
where
    occurred_at >= {{ end_of_build() }}
    and occurred_at < {{ batch_start(var('lookback_days') | int + 2) }}
    and (
        visitor_id in (
            select visitor_id
            from {{ unfiltered(ref('sessions')) }}
            where started_at >= {{ batch_start() }} and started_at < {{ batch_start(1) }}
        )
        or visitor_id in (
            select claimed.visitor_id
            from ({{ claimed_links() }}) as claimed
            inner join {{ unfiltered(ref('sessions')) }} as sessions
                on claimed.anonymous_visitor = sessions.visitor_id
            where sessions.started_at >= {{ batch_start() }} and sessions.started_at < {{ batch_start(1) }}
        )
        {%- if is_incremental() %}
        or conversion_id in (
            select conversion_id
            from {{ credited }}
            where
                occurred_at >= {{ end_of_build() }}
                and occurred_at < {{ batch_start(var('lookback_days') | int + 2) }}
                and touched_at >= {{ batch_start() }}
                and touched_at < {{ batch_start(2) }}
        )
        {%- endif %}
    )
{%- endmacro %}
