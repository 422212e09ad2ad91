(
    SELECT *
    FROM $table
    LEFT JOIN (
        SELECT project_id, conversation_id, $lists
        FROM parley.state_changes
        GROUP BY project_id, conversation_id) AS of_states
    USING (project_id, conversation_id)) AS conversations
