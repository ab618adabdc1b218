{#- A rebuild keeps the old row of an entity once. -#}
select
    date,
    project_id,
    ip_asset_id,
    license_id,
    replaced_by,
    replaced_at,
    count(*) as copies
from {{ ref('metric_changes') }}
where {{ built_window('date', ref('metric_changes')) }}
group by date, project_id, ip_asset_id, license_id, replaced_by, replaced_at
having count(*) > 1
