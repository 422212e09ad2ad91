SELECT name, checksum FROM parley_meta.migrations FINAL
