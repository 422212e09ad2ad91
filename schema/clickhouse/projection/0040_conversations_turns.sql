ALTER TABLE $projection.conversations
    ADD COLUMN IF NOT EXISTS _turns Array(DateTime64(3, 'UTC'))
        DEFAULT if(reopen_count = 0, [], arrayFlatten(arrayMap(times -> arraySlice(times, 1, length(times) - length(times) % 2), arrayMap(
            (at, closes) -> arrayFilter((at, now, before) -> now != before, at, closes, arrayPopBack(arrayPushFront(closes, false))),
            [arrayFilter((at, type) -> type IN ('parley.conversation.pushed.v1', 'parley.conversation.closed.v1'),
                arrayMap(m -> tupleElement(m, 'at'), _marks), arrayMap(m -> tupleElement(m, 'type'), _marks))],
            [arrayMap(type -> type = 'parley.conversation.closed.v1', arrayFilter(type -> type IN ('parley.conversation.pushed.v1', 'parley.conversation.closed.v1'),
                arrayMap(m -> tupleElement(m, 'type'), _marks)))]))))
        COMMENT 'Times of the closes that a reopening followed, each with that of the reopening after it' AFTER _marks,
    ADD COLUMN IF NOT EXISTS _snoozed Array(DateTime64(3, 'UTC'))
        DEFAULT if(snooze_count = 0, [], arrayFlatten(arrayMap(
            (at, snoozes) -> arrayFilter((at, now, before) -> now OR before, at, snoozes, arrayPopBack(arrayPushFront(snoozes, false))),
            [arrayFilter((at, type, before) -> type IN ('parley.conversation.pushed.v1', 'parley.conversation.closed.v1') OR (type = 'parley.conversation.snoozed.v1' AND before = 'parley.conversation.pushed.v1'),
                arrayMap(m -> tupleElement(m, 'at'), _marks), arrayMap(m -> tupleElement(m, 'type'), _marks), arrayPopBack(arrayPushFront(arrayMap(m -> tupleElement(m, 'type'), _marks), '')))],
            [arrayMap(type -> type = 'parley.conversation.snoozed.v1', arrayFilter(
                (type, before) -> type IN ('parley.conversation.pushed.v1', 'parley.conversation.closed.v1') OR (type = 'parley.conversation.snoozed.v1' AND before = 'parley.conversation.pushed.v1'),
                arrayMap(m -> tupleElement(m, 'type'), _marks), arrayPopBack(arrayPushFront(arrayMap(m -> tupleElement(m, 'type'), _marks), ''))))])))
        COMMENT 'Times of the snoozes, each with that of the push or close that ended it, if there was one' AFTER _turns
