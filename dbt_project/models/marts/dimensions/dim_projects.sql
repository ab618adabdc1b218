select * from {{ source('rules', 'projects') }}
