-- Purpose: what the site is read with.
-- Reads: requests. Parameters: none.
-- One row means a person with a browser, its version, an operating system and a kind of device, on a day: that of the first request, so that a
-- person is in one cell and people add up, whatever was looked up anew in between.
SELECT
    day,
    arg_min(technology, hit_at) AS cell,
    person,
    contributor,
    count(*)::USMALLINT AS hits,
    hits AS contributors
FROM requests
WHERE NOT is_bot
GROUP BY day, person, contributor
