ALTER TABLE $projection.customers
    MODIFY SETTING min_compress_block_size = 16384
