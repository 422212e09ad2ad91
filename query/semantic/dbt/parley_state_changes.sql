select * from {{ source('parley', 'state_changes') }}
