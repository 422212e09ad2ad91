ALTER TABLE $projection.quarantine DELETE WHERE log = {log:String} AND sequence IN {sequences:Array(UInt64)} SETTINGS mutations_sync = 2
