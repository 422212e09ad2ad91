SELECT
    profile.first_name, profile.last_name, profile.email, profile.phone, profile.notes,
    toUnixTimestamp64Milli(profile.updated_at),
    opened.first_name, opened.last_name, opened.email, opened.phone,
    nullIf(latest.conversation_id, ''), latest.language, latest.custom_data
FROM (
    SELECT customer_id
    FROM {projection:Identifier}.customers FINAL
    PREWHERE project_id = {project:UInt32} AND customer_id = {client:String}) AS customers
LEFT JOIN (
    SELECT customer_id, first_name, last_name, email, phone, notes, updated_at
    FROM {projection:Identifier}.customer_profiles FINAL
    PREWHERE project_id = {project:UInt32} AND customer_id = {client:String}) AS profile USING (customer_id)
LEFT JOIN (
    SELECT
        customer_id,
        argMax(first_name, created_at) AS first_name, argMax(last_name, created_at) AS last_name,
        argMax(email, created_at) AS email, argMax(phone, created_at) AS phone
    FROM {projection:Identifier}.customer_conversations FINAL
    PREWHERE project_id = {project:UInt32} AND customer_id = {client:String}
    GROUP BY customer_id) AS opened USING (customer_id)
LEFT JOIN (
    SELECT {client:String} AS customer_id, conversation_id, language, custom_data
    FROM {projection:Identifier}.conversations FINAL
    WHERE project_id = {project:UInt32} AND conversation_id IN (
        SELECT conversation_id
        FROM {projection:Identifier}.customer_conversations FINAL
        PREWHERE project_id = {project:UInt32} AND customer_id = {client:String})
    ORDER BY notEmpty(custom_data) DESC, created_at DESC, conversation_id DESC
    LIMIT 1) AS latest USING (customer_id)
