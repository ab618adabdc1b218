{#- One row per day and entity, nulls being equal. The constraint daily_metrics_grain says the same;
    this notices if it was lost. -#}
select
    date,
    project_id,
    ip_asset_id,
    license_id,
    count(*) as copies
from {{ ref('daily_metrics') }}
where {{ built_window('date', ref('daily_metrics')) }}
group by date, project_id, ip_asset_id, license_id
having count(*) > 1
