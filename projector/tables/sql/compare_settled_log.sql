log = 'rejected' OR log = 'events' AND sequence <= {upTo:UInt64}
