{{ config(materialized='view') }}

with receipts as (
    select * from {{ ref('build_receipts') }}
),

builds as (
    select
        build_id,
        finished_at
    from {{ source('enrichment', 'builds') }}
),

-- Builds of production, so they say nothing about a schema of your own.
replaced_days as (
    select day
    from {{ source('enrichment', 'replaced_days') }}
    where {{ target.name == 'prod' }}
)

select distinct on (receipts.date)
    receipts.date,
    receipts.built_at,
    receipts.definition,
    receipts.events,
    receipts.bot_events,
    receipts.counted,
    receipts.duplicates,
    receipts.late,
    receipts.watermark,
    receipts.parser_version,
    receipts.build_id
from receipts
left join builds on receipts.build_id = builds.build_id
where
    (receipts.build_id is null or builds.finished_at is not null)
    and not exists (select 1 from replaced_days where replaced_days.day = receipts.date)
order by receipts.date, receipts.built_at desc
