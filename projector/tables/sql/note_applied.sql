INSERT INTO parley_meta.migrations (name, checksum) SELECT {name:String}, {checksum:String}
