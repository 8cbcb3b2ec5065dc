-- Purpose: what the site is read with.
-- Reads: requests. Parameters: none.
-- One row means a person with a browser, operating system and kind of device, on a day.
SELECT
    day,
    technology AS cell,
    person,
    contributor,
    count(*)::USMALLINT AS hits,
    true AS contributors
FROM requests
WHERE NOT is_bot
GROUP BY day, technology, person, contributor
