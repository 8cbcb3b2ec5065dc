-- Purpose: what is read, and where visits begin and end.
-- Reads: requests. Parameters: none.
-- One row means a path that was viewed on a day. The row without a path holds the visits that saw no page: it is never
-- published, but visits minus published entries must not give it away.
-- Coarser: path → two first segments → first segment.
SELECT
    day,
    CASE WHEN is_page_view THEN path END AS path,
    regexp_extract(path, '^/[^/]+/[^/]+/') AS subsection_prefix,
    CASE WHEN subsection_prefix <> '' THEN subsection_prefix || '(other)' END AS subsection,
    coalesce(nullif(regexp_extract(path, '^/[^/]+/'), ''), '/') || '(other)' AS section,
    count(*) FILTER (is_page_view) AS views,
    count(*) FILTER (is_entry OR is_visit_without_page) AS entries,
    count(*) FILTER (is_exit OR is_visit_without_page) AS exits,
    list(DISTINCT contributor) FILTER (is_page_view) AS contributors,
    list(DISTINCT visitor) FILTER (is_page_view AND visitor IS NOT NULL) AS people,
    list(DISTINCT contributor) FILTER (is_entry OR is_visit_without_page) AS with_entries,
    list(DISTINCT contributor) FILTER (is_page_view AND NOT is_entry) AS without_entries,
    list(DISTINCT contributor) FILTER (is_exit OR is_visit_without_page) AS with_exits,
    list(DISTINCT contributor) FILTER (is_page_view AND NOT is_exit) AS without_exits
FROM requests
WHERE NOT is_bot AND (is_page_view OR is_visit_without_page)
GROUP BY ALL
