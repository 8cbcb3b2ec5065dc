-- Purpose: what is read, and where visits begin and end.
-- Reads: requests. Parameters: none.
-- One row means a person on a page that was viewed on a day. Visits that saw no page are in no row.
SELECT
    day,
    page AS cell,
    person,
    contributor,
    count(*)::USMALLINT AS views,
    count(*) FILTER (is_entry)::USMALLINT AS entries,
    count(*) FILTER (is_exit)::USMALLINT AS exits,
    views AS contributors,
    entries AS with_entries,
    views - entries AS without_entries,
    exits AS with_exits,
    views - exits AS without_exits
FROM requests
WHERE NOT is_bot AND is_page_view
GROUP BY day, cell, person, contributor
