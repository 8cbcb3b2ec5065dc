-- Purpose: count the people who took each step, and find those that enough people took.
-- Reads: flows_people, pages_labels, shown_steps (day, from_page, to_page: steps that have a row already).
-- Parameters: $threshold (people); $level (0: from page to page, 1: from section to section).
-- One row means a step of `$threshold` people or more on a day, of those that are not among the shown ones, the largest
-- first.
WITH named AS (
    SELECT
        day,
        contributor,
        person,
        CASE WHEN $level = 0 THEN from_page ELSE 0 END AS from_page,
        CASE WHEN $level = 0 THEN to_page ELSE 0 END AS to_page,
        CASE WHEN $level = 0 THEN first.path END AS from_path,
        CASE WHEN $level = 0 THEN next.path END AS to_path,
        first.section AS from_section,
        next.section AS to_section
    FROM flows_people
    ANTI JOIN shown_steps USING (day, from_page, to_page)
    JOIN pages_labels AS first ON first.cell = from_page
    JOIN pages_labels AS next ON next.cell = to_page
)
SELECT
    day,
    from_page,
    to_page,
    from_path,
    to_path,
    from_section,
    to_section,
    count(DISTINCT contributor) AS contributors,
    count(DISTINCT person) AS visitors
FROM named
GROUP BY ALL
HAVING contributors >= $threshold
ORDER BY day, visitors DESC, from_section, to_section, from_path, to_path
