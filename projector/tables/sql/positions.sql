SELECT log, sequence FROM $projection.positions FINAL WHERE log != 'customers'
