{#- Platform, project, IP asset, license, and project with IP asset: a license never comes with
    another id. -#}
select *
from {{ ref('daily_metrics') }}
where
    {{ built_window('date', ref('daily_metrics')) }}
    and license_id is not null
    and (project_id is not null or ip_asset_id is not null)
