{#-
  Who a visitor is: the actor, else the user that the anonymous id turned out to be, else what raw says
  (the anonymous id, or the keyed hash of somebody without any). So the pages that somebody read before
  logging in, and those after, are one visitor's, on whichever day they logged in.
-#}
{% macro visitor() -%}
coalesce(events.actor_id, identities.user_id, events.visitor_id)
{%- endmacro %}

{#- The number of a visitor, null for one who has none yet. One look-up in an index for each row: as a
    join it would read and hash all visitors that are known. -#}
{% macro visitor_number(visitor_id) -%}
(
            select known.visitor_number
            from {{ ref('visitors') }} as known
            where known.visitor_id = {{ visitor_id }}
        )
{%- endmacro %}
