select toDate('2015-01-01') + number as date_day from numbers(9131)
