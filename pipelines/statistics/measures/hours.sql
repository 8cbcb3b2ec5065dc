-- Purpose: when the site is read.
-- Reads: requests. Parameters: none.
-- One row means a local hour of a day; the hour that a clock change repeats is one row.
SELECT
    day,
    hour,
    count(*) AS hits,
    list(DISTINCT contributor) AS contributors,
    list(DISTINCT visitor) FILTER (visitor IS NOT NULL) AS people
FROM requests
WHERE NOT is_bot
GROUP BY ALL
