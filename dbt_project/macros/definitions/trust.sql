{#-
  How much the word of an event's sender counts: 3 a secret key, 2 a user's token, 1 a publishable key
  (eventmill/core/trust.py). Files of the warehouse that were exported before there were classes have
  none: like all that was stored before, their events count as a server's word.
-#}
{% macro trust() -%}
coalesce(events.trust, 3)
{%- endmacro %}
