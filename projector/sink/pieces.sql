SELECT toUnixTimestamp64Milli(max(time)) AS until, min(sequence), max(sequence)
FROM
(
    SELECT time, sequence, rank() OVER (ORDER BY time) AS place
    FROM $projection.events
    WHERE project_id = {project:UInt32} AND conversation_id = {conversation:String} AND sequence > {after:UInt64} AND sequence <= {upTo:UInt64}
)
GROUP BY intDiv(place - 1, {most:UInt64})
ORDER BY until
