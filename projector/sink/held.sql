SELECT max(version)
FROM
(
    SELECT max(last_sequence) AS version FROM $projection.conversations WHERE last_sequence > {position:UInt64}
    UNION ALL
    SELECT max(_version) FROM $projection.contacts WHERE _version > {position:UInt64}
    UNION ALL
    SELECT max(_version) FROM $projection.transactions WHERE _version > {position:UInt64}
    UNION ALL
    SELECT max(_version) FROM $projection.messages WHERE _version > {position:UInt64}
    UNION ALL
    SELECT max(_version) FROM $projection.message_texts WHERE _version > {position:UInt64}
    UNION ALL
    SELECT max(_version) FROM $projection.visitors WHERE _version > {position:UInt64}
    UNION ALL
    SELECT max(_version) FROM $projection.customer_conversations WHERE _version > {position:UInt64}
    UNION ALL
    SELECT max(_version) FROM $projection.customer_profiles WHERE _version > {position:UInt64}
    UNION ALL
    SELECT max(_version) FROM $projection.sellers WHERE _version > {position:UInt64}
)
