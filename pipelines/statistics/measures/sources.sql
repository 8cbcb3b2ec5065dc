-- Purpose: where visits come from, by the first request of each.
-- Reads: requests. Parameters: none.
-- One row means a person who came by a medium, referring domain and campaign on a day.
SELECT
    day,
    source AS cell,
    person,
    contributor,
    count(*)::USMALLINT AS visits,
    visits AS contributors
FROM requests
WHERE NOT is_bot AND starts_visit
GROUP BY day, source, person, contributor
