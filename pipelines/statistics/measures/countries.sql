-- Purpose: where the site is read.
-- Reads: requests. Parameters: none.
-- One row means a person in a country, on a day: that of the first request, so that a
-- person is in one cell and people add up, whatever was looked up anew in between.
SELECT
    day,
    arg_min(country, hit_at) AS cell,
    person,
    contributor,
    count(*)::USMALLINT AS hits,
    hits AS contributors
FROM requests
WHERE NOT is_bot
GROUP BY day, person, contributor
