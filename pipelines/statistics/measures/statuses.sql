-- Purpose: how requests were answered.
-- Reads: requests. Parameters: none.
-- One row means a person who got an HTTP status code on a day.
SELECT
    day,
    status::INTEGER AS cell,
    person,
    contributor,
    count(*)::USMALLINT AS hits,
    hits AS contributors
FROM requests
WHERE NOT is_bot
GROUP BY day, status, person, contributor
