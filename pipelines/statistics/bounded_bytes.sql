-- Purpose: bound what one person adds to the bytes of a day.
-- Reads: daily_people. Parameters: $threshold (people), $requests_for_one (requests that stand for one unknown person).
-- One row means a day. Who was sent more than the person at the threshold's place counts like that person, so that the
-- total is never about the one who fetched the most.
WITH people AS (
    SELECT day, contributor, sum(sent_bytes)::BIGINT AS sent_bytes
    FROM daily_people
    WHERE contributors
    GROUP BY ALL
),
placed AS (
    SELECT
        *,
        sum(CASE WHEN contributor > 0 THEN $requests_for_one ELSE 1 END) OVER (
            PARTITION BY day ORDER BY sent_bytes DESC, contributor ROWS UNBOUNDED PRECEDING
        ) >= $threshold * $requests_for_one AS is_from_the_place
    FROM people
),
bounds AS (
    SELECT day, coalesce(max(sent_bytes) FILTER (is_from_the_place), 0) AS most_bytes
    FROM placed
    GROUP BY ALL
)
SELECT day, sum(least(sent_bytes, most_bytes))::BIGINT AS sent_bytes
FROM people
JOIN bounds USING (day)
GROUP BY ALL
