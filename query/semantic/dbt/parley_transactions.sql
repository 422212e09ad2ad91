-- Transactions of closed conversations, which count by the time of the close.
select transactions.*, conversations.closed_at as closed_at
from {{ source('parley', 'transactions') }} as transactions
inner join {{ source('parley', 'conversations') }} as conversations
    on conversations.project_id = transactions.project_id and conversations.conversation_id = transactions.conversation_id
where conversations.closed_at is not null
