-- Purpose: how requests were answered.
-- Reads: requests. Parameters: none.
-- One row means a person who got an HTTP status code on a day.
-- What is said of errors and page views tells which rows would give a hidden figure of `daily` back.
SELECT
    day,
    status::INTEGER AS cell,
    person,
    contributor,
    count(*)::USMALLINT AS hits,
    true AS contributors,
    bool_or(is_error) AS with_errors,
    NOT bool_and(is_error) AS without_errors,
    bool_or(is_page_view) AS with_page_views,
    NOT bool_and(is_page_view) AS without_page_views
FROM requests
WHERE NOT is_bot
GROUP BY day, status, person, contributor
