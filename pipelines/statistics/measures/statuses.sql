-- Purpose: how requests were answered.
-- Reads: requests. Parameters: none.
-- One row means an HTTP status code, on a day. Coarser: the class of the code.
-- The lists for errors and page views say which rows would give a hidden figure of `daily` back.
SELECT
    day,
    status::VARCHAR AS status,
    left(status::VARCHAR, 1) || 'xx (other)' AS class,
    count(*) AS hits,
    list(DISTINCT contributor) AS contributors,
    list(DISTINCT visitor) FILTER (visitor IS NOT NULL) AS people,
    list(DISTINCT contributor) FILTER (is_error) AS with_errors,
    list(DISTINCT contributor) FILTER (NOT is_error) AS without_errors,
    list(DISTINCT contributor) FILTER (is_page_view) AS with_page_views,
    list(DISTINCT contributor) FILTER (NOT is_page_view) AS without_page_views
FROM requests
WHERE NOT is_bot
GROUP BY ALL
