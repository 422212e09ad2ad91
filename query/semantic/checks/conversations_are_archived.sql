-- Conversations without an event in the archive, and conversations with events but no row.
SELECT count() FROM (
    SELECT project_id, conversation_id, sum(side) AS sides
    FROM (
        SELECT project_id, conversation_id, 1 AS side FROM parley.conversations
        UNION ALL
        SELECT DISTINCT project_id, conversation_id, 2 AS side FROM parley.events
        WHERE type NOT IN ('parley.customer.updated.v1', 'parley.seller.updated.v1'))
    GROUP BY project_id, conversation_id
    HAVING sides != 3)
