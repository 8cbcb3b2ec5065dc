-- Purpose: bound what one person adds to the bytes of a day.
-- Reads: daily_people. Parameters: $threshold (people), $requests_for_one (requests that stand for one unknown person).
-- One row means a day, in three significant digits: sizes of pages are no secret, and a sum to the byte would be an
-- equation in how often each was read. Who was sent more than the person at the threshold's place counts like that
-- person, so that the total is never about the one who fetched the most.
WITH people AS (
    SELECT day, contributor, sum(sent_bytes)::BIGINT AS sent_bytes
    FROM daily_people
    WHERE contributors > 0
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
SELECT day, round(bytes, 2 - floor(log10(greatest(bytes, 1)))::INTEGER)::BIGINT AS sent_bytes
FROM (
    SELECT day, sum(least(sent_bytes, most_bytes))::BIGINT AS bytes
    FROM people
    JOIN bounds USING (day)
    GROUP BY ALL
)
