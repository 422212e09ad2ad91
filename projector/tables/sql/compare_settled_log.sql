log != 'events' OR sequence <= {upTo:UInt64}
