WITH ahead AS
(
    SELECT project_id, conversation_id, max(version) AS version
    FROM
    (
        SELECT project_id, conversation_id, last_sequence AS version FROM $projection.conversations WHERE last_sequence > {position:UInt64}
        UNION ALL
        SELECT project_id, conversation_id, _version FROM $projection.contacts WHERE _version > {position:UInt64}
        UNION ALL
        SELECT project_id, conversation_id, _version FROM $projection.transactions WHERE _version > {position:UInt64}
        UNION ALL
        SELECT project_id, conversation_id, _version FROM $projection.messages WHERE _version > {position:UInt64}
        UNION ALL
        SELECT project_id, conversation_id, _version FROM $projection.message_texts WHERE _version > {position:UInt64}
        UNION ALL
        SELECT project_id, conversation_id, _version FROM $projection.visitors WHERE _version > {position:UInt64}
        UNION ALL
        SELECT project_id, conversation_id, _version FROM $projection.customer_conversations WHERE _version > {position:UInt64}
        UNION ALL
        SELECT project_id, conversation_id, _version FROM $projection.customer_profiles WHERE _version > {position:UInt64}
        UNION ALL
        SELECT project_id, conversation_id, _version FROM $projection.sellers WHERE _version > {position:UInt64}
    )
    GROUP BY project_id, conversation_id
)
SELECT project_id, conversation_id, version, keys, customers
FROM ahead
LEFT JOIN
(
    SELECT project_id, conversation_id, groupArray(_closed_key) AS keys
    FROM $projection.conversations FINAL
    WHERE conversation_id IN (SELECT conversation_id FROM ahead)
    GROUP BY project_id, conversation_id
) AS standing USING (project_id, conversation_id)
LEFT JOIN
(
    SELECT project_id, conversation_id, groupArray(customer_id) AS customers
    FROM $projection.customer_conversations FINAL
    WHERE conversation_id IN (SELECT conversation_id FROM ahead)
    GROUP BY project_id, conversation_id
) AS visits USING (project_id, conversation_id)
