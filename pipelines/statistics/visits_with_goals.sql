-- Purpose: keep the visits of a part of the requests, with what they began with and the goals that they reached.
-- Reads: requests, pages_labels, sources_labels. Parameters: none.
-- One row means visits of one visitor on one day that came the same way, began on the same page and reached the same
-- goals (bits), and how many those are.
SELECT
    person,
    contributor,
    medium,
    coalesce(path, '(none)') AS entry_page,
    coalesce(section, '(none)') AS entry_section,
    visit_goals AS goals,
    count(*)::USMALLINT AS visits
FROM requests
JOIN (SELECT DISTINCT cell, medium FROM sources_labels) AS sources ON sources.cell = source
LEFT JOIN pages_labels ON pages_labels.cell = visit_entry
WHERE NOT is_bot AND starts_visit
GROUP BY day, person, contributor, medium, path, section, visit_goals
