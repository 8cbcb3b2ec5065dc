-- Purpose: which addresses are asked for and not found, and where the links to them stand.
-- Reads: requests. Parameters: none.
-- One row means a person who asked for a path that was not found, from an origin (0 to 2), on a day.
SELECT
    day,
    page * 4 + origin AS cell,
    person,
    contributor,
    count(*)::USMALLINT AS hits,
    hits AS contributors
FROM requests
WHERE NOT is_bot AND status = 404
GROUP BY day, page, origin, person, contributor
