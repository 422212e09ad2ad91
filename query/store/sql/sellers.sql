SELECT project_id, conversation_id, seller_id, business_name, legal_business_name, email_address, phone, online,
    toUnixTimestamp64Milli(created_at), toUnixTimestamp64Milli(updated_at), $rank
FROM {projection:Identifier}.sellers FINAL
WHERE $where
ORDER BY $order
LIMIT {limit:UInt32}
