-- Purpose: how people get in touch, by complete local month.
-- Reads: messages (the view of the opened contacts), contact_activity_labels. Parameters: $month (its first day),
--   $time_zone (IANA name), $most_messages (of one person in the month; those after it are left out).
-- One row means a person who sent messages of a kind.
WITH of_month AS (
    SELECT kind, dense_rank() OVER (ORDER BY person_id) AS person
    FROM messages
    WHERE date_trunc('month', timezone($time_zone, timezone('UTC', recorded_at))) = $month
    QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY recorded_at, source, message_ref) <= $most_messages
)
SELECT
    $month::DATE AS month,
    cell,
    person,
    person AS contributor,
    count(*)::USMALLINT AS messages,
    messages AS contributors
FROM of_month
JOIN contact_activity_labels USING (kind)
GROUP BY cell, person
