-- Purpose: how people get in touch, by complete local month.
-- Reads: messages (the view of the opened contacts). Parameters: $month (its first day), $time_zone (IANA name),
--   $most_messages (of one person in the month; those after it are left out).
-- One row means a kind of message.
WITH of_month AS (
    SELECT kind, person_id, dense_rank() OVER (ORDER BY person_id) AS contributor
    FROM messages
    WHERE date_trunc('month', timezone($time_zone, timezone('UTC', recorded_at))) = $month
    QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY recorded_at, source, message_ref) <= $most_messages
)
SELECT
    $month::DATE AS month,
    kind,
    count(*) AS messages,
    list(DISTINCT contributor) AS contributors,
    list(DISTINCT contributor) AS people
FROM of_month
GROUP BY ALL
