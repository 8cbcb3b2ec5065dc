-- Purpose: the headline figures of each day; robots apart.
-- Reads: requests. Parameters: none.
-- One row means a person on a day. The booleans say whom the person is counted with: `with_x` those who have x,
-- `without_x` those who have some of the whole that is not x.
SELECT
    day,
    0 AS cell,
    person,
    contributor,
    count(*) FILTER (NOT is_bot)::USMALLINT AS hits,
    count(*) FILTER (NOT is_bot AND is_page_view)::USMALLINT AS page_views,
    count(*) FILTER (NOT is_bot AND starts_visit)::USMALLINT AS visits,
    count(*) FILTER (NOT is_bot AND is_bounce)::USMALLINT AS bounces,
    coalesce(sum(sent_bytes) FILTER (NOT is_bot), 0)::BIGINT AS sent_bytes,
    count(*) FILTER (NOT is_bot AND is_error)::USMALLINT AS errors,
    count(*) FILTER (is_bot)::USMALLINT AS bot_hits,
    hits > 0 AS contributors,
    page_views > 0 AS with_page_views,
    hits > page_views AS without_page_views,
    bounces > 0 AS with_bounces,
    visits > bounces AS without_bounces,
    errors > 0 AS with_errors,
    hits > errors AS without_errors,
    bot_hits > 0 AS with_bot_hits
FROM requests
GROUP BY day, person, contributor
