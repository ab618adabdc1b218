{{ config(materialized='view') }}

select * from {{ source('enrichment', 'replaced_metrics') }}
