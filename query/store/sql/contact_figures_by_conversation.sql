SELECT
    $columns
FROM (
    SELECT *, $step AS _step, $first AS _first, $second AS _second
    FROM (
        SELECT *, sipHash128(project_id, conversation_id) AS _key
        FROM {projection:Identifier}.contacts FINAL
        WHERE $where) AS contacts
    ANY LEFT JOIN (
        SELECT sipHash128(project_id, conversation_id) AS _key, tag_ids, tag_names, campaign_id, campaign_name, language, automation_level
        FROM {projection:Identifier}.conversations FINAL
        WHERE $conversations) AS conversations USING (_key))
GROUP BY _step, _first.1, _second.1
LIMIT {limit:UInt32}
