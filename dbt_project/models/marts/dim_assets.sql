{{ config(materialized='view') }}

select distinct on (ip_asset_id)
    ip_asset_id,
    actor_id as creator_id
from {{ ref('int_events') }}
where event_type = 'asset_uploaded' and ip_asset_id is not null
order by ip_asset_id asc, occurred_at asc, event_id asc
