{#-
  What a session is. The rules are Google Analytics 4's, which cuts a session neither at midnight nor
  when the campaign changes: https://support.google.com/analytics/answer/9191807. Where the events
  name a session, the client has numbered it and is believed.

  1. The key of an event is its session_id; without one, the nearest earlier session_id in the
     visitor's chain of events without a long pause, not from before the day before; else the first
     later one of the chain on the same day; else none.
  2. Events of one visitor, key and UTC day are one piece. Without a key each chain is one.
  3. A piece goes on the session of the day before if the session_id was there (without a key: the
     chain), no longer ago than a session can pause, and that session began there itself.

  So a session lies on the day that it began and the next one, and depends on no other days than
  these and the two before. See docs/decisions/0012.
-#}

{#- A longer pause ends a chain, and a session that its client did not number. -#}
{% macro session_pause() -%}
interval '30 minutes'
{%- endmacro %}

{#- A longer pause ends a session that its client did number. -#}
{% macro numbered_session_pause() -%}
interval '24 hours'
{%- endmacro %}

{#- A page was shown. -#}
{% macro is_page_view() -%}
event_type = 'page_viewed'
{%- endmacro %}

{#-
  Engaged: longer than 10 seconds, or a conversion, or at least two views of pages or of assets
  (GA4's rule: https://support.google.com/analytics/answer/12195621). How long is said by the clock
  between the events or by the engagement that they report. A page and the asset on it are one view.
-#}
{% macro is_engaged_session() -%}
greatest(duration_ms, engagement_ms) > 10000
or conversions > 0
or greatest(page_views, views) >= 2
{%- endmacro %}

{#- The client's number, or one made of visitor and start, the same in each build. -#}
{% macro session_id() -%}
coalesce(
    client_session_id,
    md5(visitor_id || ' ' || {{ epoch_text('started_at') }})::uuid::text
)
{%- endmacro %}

{#- Where an event stands among its visitor's, as text that sorts like (occurred_at, event_id), with
    its session_id behind: the greatest one's is the latest. 10^18 keeps times before 1970 in order.
    Compared byte by byte, whatever the database's locale. -#}
{% macro numbered_position() -%}
({{ epoch_microseconds('occurred_at') }} + 1000000000000000000)::text
|| event_id::text || session_id collate "C"
{%- endmacro %}

{#- 19 digits of time and 36 of event id come first. -#}
{% macro session_id_of_position(position) -%}
substr({{ position }}, 56)
{%- endmacro %}
