INSERT INTO parley_meta.migrations (name, checksum)
SELECT noted.1, noted.2
FROM (SELECT arrayJoin(arrayZip({names:Array(String)}, {checksums:Array(String)})) AS noted)
