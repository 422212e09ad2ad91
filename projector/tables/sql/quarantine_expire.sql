ALTER TABLE $projection.quarantine DELETE WHERE log = 'rejected' AND sequence < {before:UInt64} SETTINGS mutations_sync = 2
