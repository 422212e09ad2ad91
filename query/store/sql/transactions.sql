SELECT
    project_id, conversation_id, transaction_id, external_conversion_id, amount, currency,
    toUnixTimestamp64Milli(received_at), source, attributed_to_id, _version
FROM {projection:Identifier}.transactions FINAL
PREWHERE $keys
ORDER BY project_id, conversation_id, received_at, transaction_id
