SELECT $key FROM ($rows) WHERE bucket IN {uneven:Array(UInt64)} GROUP BY $key
HAVING countIf(wanted) != 1 OR countIf(NOT wanted) != 1 OR sumIf(hash, wanted) != sumIf(hash, NOT wanted)
