SELECT
    (SELECT count() FROM $projection.events FINAL WHERE sequence <= {position:UInt64}) AS events,
    (SELECT uniqExact(key, check) FROM $projection.event_hashes WHERE sequence <= {position:UInt64}) AS keys,
    (SELECT count() FROM $projection.conversations FINAL WHERE first_sequence <= {position:UInt64}) AS conversations,
    (
        SELECT uniqExact(project_id, conversation_id) FROM $projection.events
        WHERE sequence <= {position:UInt64} AND type NOT IN ('parley.customer.updated.v1', 'parley.seller.updated.v1')
    ) AS archived
