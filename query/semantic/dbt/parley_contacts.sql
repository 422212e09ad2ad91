select * from {{ source('parley', 'contacts') }}
