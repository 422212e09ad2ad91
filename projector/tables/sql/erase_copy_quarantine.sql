INSERT INTO $to.quarantine SELECT * FROM $from.quarantine FINAL
WHERE NOT
(
    log = {aside:String} AND JSONExtractUInt(original, 'projectid') = {project:UInt32}
    AND JSONExtractString(original, 'subject') IN {conversations:Array(String)}
)
