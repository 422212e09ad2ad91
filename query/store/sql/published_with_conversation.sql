(
    SELECT *
    FROM parley.contacts
    INNER JOIN (
        SELECT project_id, conversation_id, $traits
        FROM parley.conversations) AS of_conversation
    USING (project_id, conversation_id))
