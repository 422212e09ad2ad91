SELECT
    project_id, conversation_id, transaction_id, external_conversion_id, amount, currency,
    toUnixTimestamp64Milli(received_at), source, attributed_to_id, _version
FROM {projection:Identifier}.transactions FINAL
WHERE $where
ORDER BY $order
LIMIT {limit:UInt32}
