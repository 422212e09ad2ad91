(
    SELECT *
    FROM $table
    LEFT JOIN (
        SELECT project_id, conversation_id, $lists
        FROM parley.contacts
        GROUP BY project_id, conversation_id) AS of_contacts
    USING (project_id, conversation_id)) AS conversations
