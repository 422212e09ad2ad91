INSERT INTO parley_meta.turns (turn, version, state, maker, reason, author)
SELECT {turn:UInt64}, version, state, maker, reason, {author:String}
FROM (SELECT 1)
ARRAY JOIN
    {versions:Array(UInt32)} AS version,
    {states:Array(String)} AS state,
    {makers:Array(String)} AS maker,
    {reasons:Array(String)} AS reason
