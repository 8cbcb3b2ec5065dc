-- Purpose: the headline figures of each day; robots apart.
-- Reads: requests. Parameters: $threshold (people), $requests_for_one (requests that stand for one unknown person).
-- One row means a day. Lists hold the distinct contributors behind a figure: `with_x` those who have x,
-- `without_x` those who have some of the whole that is not x.
-- Bytes are bounded: who was sent more than the person at the threshold's place counts like that person, so that
-- the total is never about the one who fetched the most.
WITH people AS (
    SELECT day, contributor, sum(sent_bytes)::BIGINT AS sent_bytes
    FROM requests
    WHERE NOT is_bot
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
),
sums AS (
    SELECT day, sum(least(sent_bytes, most_bytes))::BIGINT AS bounded_bytes
    FROM people
    JOIN bounds USING (day)
    GROUP BY ALL
)
SELECT
    day,
    count(*) FILTER (NOT is_bot) AS hits,
    count(*) FILTER (NOT is_bot AND is_page_view) AS page_views,
    count(*) FILTER (NOT is_bot AND starts_visit) AS visits,
    count(*) FILTER (NOT is_bot AND is_bounce) AS bounces,
    coalesce(any_value(bounded_bytes), 0) AS sent_bytes,
    count(*) FILTER (NOT is_bot AND is_error) AS errors,
    count(*) FILTER (is_bot) AS bot_hits,
    list(DISTINCT contributor) FILTER (NOT is_bot) AS contributors,
    list(DISTINCT visitor) FILTER (NOT is_bot AND visitor IS NOT NULL) AS people,
    list(DISTINCT contributor) FILTER (NOT is_bot AND is_page_view) AS with_page_views,
    list(DISTINCT contributor) FILTER (NOT is_bot AND NOT is_page_view) AS without_page_views,
    list(DISTINCT contributor) FILTER (NOT is_bot AND is_bounce) AS with_bounces,
    list(DISTINCT contributor) FILTER (NOT is_bot AND starts_visit AND NOT is_bounce) AS without_bounces,
    list(DISTINCT contributor) FILTER (NOT is_bot AND is_error) AS with_errors,
    list(DISTINCT contributor) FILTER (NOT is_bot AND NOT is_error) AS without_errors,
    list(DISTINCT contributor) FILTER (is_bot) AS with_bot_hits
FROM requests
LEFT JOIN sums USING (day)
GROUP BY day
