CREATE OR REPLACE VIEW parley.customers_personal ($columns)
DEFINER = parley_personal_views SQL SECURITY DEFINER
AS SELECT
    project_id, customer_id, external_id, first_name, last_name, email, phone, notes, ip_address, ip_location, custom_data
FROM $projection.customers FINAL
COMMENT $comment
