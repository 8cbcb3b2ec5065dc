-- Purpose: when the site is read.
-- Reads: requests. Parameters: none.
-- One row means a person in a local hour of a day; the hour that a clock change repeats is one.
SELECT
    day,
    hour::INTEGER AS cell,
    person,
    contributor,
    count(*)::USMALLINT AS hits,
    hits AS contributors
FROM requests
WHERE NOT is_bot
GROUP BY day, hour, person, contributor
