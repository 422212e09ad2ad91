WITH
    -- The starts of the stretches of the timeline, how long it was open up to the end of each, and closed up to its start, all lanes
    -- together.
    (SELECT arrayMap(s -> s * 1000, arrayCumSum(CAST({hours_steps:String}, 'Array(Int64)')))) AS _opening_starts,
    (SELECT arrayMap(l -> l * 1000, arrayCumSum(CAST({hours_lengths:String}, 'Array(Int64)')))) AS _open_until,
    (SELECT arrayMap((start, open, l) -> (start - open + l) * 1000,
        arrayCumSum(CAST({hours_steps:String}, 'Array(Int64)')),
        arrayCumSum(CAST({hours_lengths:String}, 'Array(Int64)')),
        CAST({hours_lengths:String}, 'Array(Int64)'))) AS _closed_until
