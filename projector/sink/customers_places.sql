SELECT project_id, customer_id, created_at
FROM $projection.customers FINAL
PREWHERE customer_id IN (SELECT customer_id FROM wanted) AND (project_id, customer_id) IN wanted
