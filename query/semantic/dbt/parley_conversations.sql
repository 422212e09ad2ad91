select * from {{ source('parley', 'conversations') }}
