{#-
  How much of a conversion each of its touches brought, under six models. A macro for each gives the
  weight of a touch as a whole number, over these columns: touch_number (from 1), touches (how many),
  last_non_direct (the number of the last touch that is not direct, or null), age (how long before
  the conversion). Shares are weights divided by their sum.
-#}

{% macro attribution_models() -%}
{{ return({
    'first_touch': credit_first_touch(),
    'last_touch': credit_last_touch(),
    'last_non_direct': credit_last_non_direct(),
    'linear': '1',
    'position_based': credit_position_based(),
    'time_decay': credit_time_decay(),
}) }}
{%- endmacro %}

{#- A row for each model: its name and the weight of the touch. -#}
{% macro credit_weights() -%}
{%- for model, weight in attribution_models().items() -%}
select '{{ model }}' as model, {{ whole_number(weight) }} as weight
{{- ' union all ' if not loop.last }}
{%- endfor -%}
{%- endmacro %}

{% macro credit_first_touch() -%}
(touch_number = 1)::integer
{%- endmacro %}

{% macro credit_last_touch() -%}
(touch_number = touches)::integer
{%- endmacro %}

{#- Where all touches are direct, the last one. -#}
{% macro credit_last_non_direct() -%}
(touch_number = coalesce(last_non_direct, touches))::integer
{%- endmacro %}

{#- 40% for the first, 40% for the last, 20% for all between: 2(n - 2) to 1. Of two, half each. -#}
{% macro credit_position_based() -%}
case when touch_number in (1, touches) and touches > 2 then 2 * (touches - 2) else 1 end
{%- endmacro %}

{#- Half as much for each week before the conversion; a whole number with twelve digits. -#}
{% macro credit_time_decay() -%}
greatest(1, {{ nearest_whole("1e12 * power(2::float8, -" ~ seconds('age') ~ " / (7 * 86400))") }})
{%- endmacro %}

{#- One part in this many is the least that a touch can be credited. -#}
{% macro credit_parts() -%}
10000000000
{%- endmacro %}

{#-
  The largest remainder method (Hamilton's): each touch gets the whole part of its share. What is left
  goes out one by one, in the order of the parts that were cut off; of equal ones the earlier touch
  comes first. `share` and `total` are whole numbers; the exact part is share / total.
-#}
{% macro cut_off(share, total) -%}
mod({{ share }}, {{ total }})
{%- endmacro %}

{% macro with_remainder(whole, rest, sum) -%}
{{ whole }} + (
    row_number() over (partition by conversion_id, model order by {{ rest }} desc, touch_number)
    <= {{ sum }} - sum({{ whole }}) over (partition by conversion_id, model)
)::integer
{%- endmacro %}
