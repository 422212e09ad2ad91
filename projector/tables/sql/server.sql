SELECT version(), now64(3, 'UTC')
