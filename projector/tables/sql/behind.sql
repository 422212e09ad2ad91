SELECT count() FROM $projection.quarantine FINAL WHERE log = 'conversations' AND reason IN ('BEHIND', 'DIFFERS')
