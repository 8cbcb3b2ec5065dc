-- Purpose: find the months of contact activity that may be measured: complete ones, of which nothing is due to go.
-- Reads: messages (the view of the opened contacts). Parameters: $time_zone (IANA name), $until (last complete day),
--   $kept_since (first day of which everything is still kept), $grace_days (after them nothing more is awaited).
-- One row means the first day of a local month that has messages, ended on or before `$until`, and is whole: each
-- source that wrote in it has written later too (its export reaches beyond the month), or the grace is over.
WITH written AS (
    SELECT source, timezone($time_zone, timezone('UTC', recorded_at))::DATE AS written_on
    FROM messages
),
sources AS (
    SELECT source, max(written_on) AS latest_on
    FROM written
    GROUP BY source
),
months AS (
    SELECT DISTINCT date_trunc('month', written_on)::DATE AS month, source
    FROM written
)
SELECT month
FROM months
JOIN sources USING (source)
GROUP BY month
HAVING month >= $kept_since
    AND last_day(month) <= $until
    AND (bool_and(latest_on > last_day(month)) OR last_day(month) + $grace_days::INTEGER <= $until)
ORDER BY month
