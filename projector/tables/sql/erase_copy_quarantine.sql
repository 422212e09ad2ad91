INSERT INTO $to.quarantine SELECT * FROM $from.quarantine FINAL
