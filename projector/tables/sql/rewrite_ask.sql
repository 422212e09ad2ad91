INSERT INTO $projection.quarantine (log, sequence, received_at, reason, detail, original, _version, _deleted)
SELECT
    {log:String}, sipHash64(owner.1, owner.2), now64(3), {reason:String},
    concat('conversation ', owner.1, '/', owner.2, ': its rows differ from its events and are made again'),
    concat('{"projectid":', owner.1, ',"subject":', toJSONString(owner.2), '}'),
    greatest(toUInt64(toUnixTimestamp64Nano(now64(9))), (SELECT max(_version) + 1 FROM $projection.quarantine WHERE log = {log:String})), 0
FROM (SELECT arrayJoin(arrayZip({first:Array(String)}, {second:Array(String)})) AS owner)
