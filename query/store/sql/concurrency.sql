WITH $steps AS slots, arrayPushBack(arrayPopFront(slots), {to:Int64}) AS slot_ends
SELECT
    $columns
FROM (
    SELECT
        value, label, version, begins, slot, slot_end,
        greatest(opens, slot) AS open_from,
        least(closes, slot_end) AS open_to
    FROM (
        SELECT
            $value1 AS value,
            $label1 AS label,
            $version AS version,
            toUnixTimestamp64Milli(started_at) AS begins,
            greatest(begins, {from:Int64}) AS opens,
            greatest(opens, least(ifNull(toUnixTimestamp64Milli(ended_at), {now:Int64}), {to:Int64})) AS closes,
            indexOf(slots, roundDown(opens, slots)) AS first_slot,
            indexOf(slots, roundDown(greatest(opens, closes - 1), slots)) AS last_slot
        FROM {projection:Identifier}.contacts FINAL
        WHERE $where)
    ARRAY JOIN arraySlice(slots, first_slot, last_slot - first_slot + 1) AS slot, arraySlice(slot_ends, first_slot, last_slot - first_slot + 1) AS slot_end)
GROUP BY value, slot, slot_end
$end
