INSERT INTO $projection.$table SETTINGS async_insert = 0, input_format_null_as_default = 0 FORMAT JSONEachRow
