WITH
    -- The starts of the stretches of the timeline, and of each, in seconds, how long it is open (32 bits) and how long it was open before,
    -- all lanes together.
    (SELECT arrayMap(s -> s * 1000, arrayCumSum(CAST({hours_steps:String}, 'Array(Int64)')))) AS _opening_starts,
    (SELECT arrayMap((open, l) -> (open - l) * 4294967296 + l,
        arrayCumSum(CAST({hours_lengths:String}, 'Array(Int64)')),
        CAST({hours_lengths:String}, 'Array(Int64)'))) AS _openings
