{{ config(materialized='view') }}

select
    date,
    project_id,
    ip_asset_id,
    license_id,
    unique_visitors,
    visitors
from {{ ref('int_entity_days') }}
