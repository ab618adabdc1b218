{#-
  Who a visitor is: the actor, else the user that the anonymous id belongs to, else who raw's own ids
  say. So the pages that somebody read before logging in, and those after, are one visitor's, on whichever
  day they logged in. How each kind is spelled, the schema `rules` says (migration 0038): an anonymous id
  is never the same visitor as an actor, unless they are linked.

  A link that a server or the user's token sent is verified, and holds for all time. What a browser says,
  in a link or in the event itself, is a claim: a link of this kind holds for what was received after it,
  and a user whom an event names is that event's alone. So on a device where several people log in one
  after the other, each is a visitor of their own from their login on.
-#}
{% macro visitor() -%}
coalesce(
    rules.actor_visitor(
        coalesce(
            events.actor_id,
            events.user_id,
            case when {{ link_holds() }} then identities.user_id end
        )
    ),
    rules.visitor(null, events.anonymous_id, events.visitor_id)
)
{%- endmacro %}

{% macro link_holds() -%}
identities.verified or identities.received_at <= events.received_at
{%- endmacro %}

{#-
  How an event comes to its visitor: `same` by its own ids, `verified` by the word of a server or of the
  user's token, `claimed` by a browser's.
-#}
{% macro reached_by() -%}
case
    when events.actor_id is not null then 'same'
    when events.user_id is not null
        then
            case
                when
                    {{ trust() }} = 3
                    or (identities.verified and identities.user_id = events.user_id)
                    then 'verified'
                else 'claimed'
            end
    when identities.verified then 'verified'
    when {{ link_holds() }} then 'claimed'
    else 'same'
end
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
