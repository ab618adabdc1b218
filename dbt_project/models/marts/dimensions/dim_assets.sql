select * from {{ source('rules', 'assets') }}
