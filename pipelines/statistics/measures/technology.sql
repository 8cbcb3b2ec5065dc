-- Purpose: what the site is read with.
-- Reads: requests. Parameters: none.
-- One row means a browser, operating system and kind of device, on a day.
-- Coarser: without the device → the browser alone.
SELECT
    day,
    browser,
    system,
    device,
    count(*) AS hits,
    list(DISTINCT contributor) AS contributors,
    list(DISTINCT visitor) FILTER (visitor IS NOT NULL) AS people
FROM requests
WHERE NOT is_bot
GROUP BY ALL
