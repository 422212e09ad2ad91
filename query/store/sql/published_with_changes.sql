(
    SELECT *
    FROM {projection:Identifier}.conversations FINAL
    INNER JOIN (
        SELECT project_id, conversation_id, change, ordinal, changed_at
        FROM parley.state_changes) AS of_changes
    USING (project_id, conversation_id)) AS conversations
