SELECT
    project_id, customer_id, created_at, updated_at, external_id, first_name, last_name, email, phone, ip_address, ip_location,
    notes, type, custom_data, cleared, event_count, first_sequence, last_sequence
FROM $projection.customer_profiles FINAL
WHERE (project_id, customer_id) IN wanted
SETTINGS max_block_size = 64 -- rows may be large
