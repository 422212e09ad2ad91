(
        SELECT #$table# FROM asof_$table) AS $table
