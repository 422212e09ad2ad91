SELECT count()
FROM (
    SELECT 1
    FROM {projection:Identifier}.message_texts
    LIMIT 1)
