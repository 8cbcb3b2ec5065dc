-- Purpose: what is read, and where visits begin and end.
-- Reads: requests. Parameters: none.
-- One row means a person on a page that was viewed on a day. The cell without a path (0) holds the visits that saw no
-- page: it is never published, but visits minus published entries must not give it away.
SELECT
    day,
    CASE WHEN is_page_view THEN page ELSE 0 END AS cell,
    person,
    contributor,
    count(*) FILTER (is_page_view)::USMALLINT AS views,
    count(*) FILTER (is_entry OR is_visit_without_page)::USMALLINT AS entries,
    count(*) FILTER (is_exit OR is_visit_without_page)::USMALLINT AS exits,
    views > 0 AS contributors,
    entries > 0 AS with_entries,
    views > entries AS without_entries,
    exits > 0 AS with_exits,
    views > exits AS without_exits
FROM requests
WHERE NOT is_bot AND (is_page_view OR is_visit_without_page)
GROUP BY day, cell, person, contributor
