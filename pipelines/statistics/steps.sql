-- Purpose: count the people who took each step, and find those that enough people took.
-- Reads: flows_people, pages_labels, shown_steps (day, from_page, to_page: steps that have a row already).
-- Parameters: $threshold (people); $level (0: from page to page, 1: from section to section).
-- One row means a step of `$threshold` people or more on a day, of those that are not among the shown ones, the largest
-- first. Steps that were not even taken so often are left out before people are counted: mostly they are many.
WITH places AS (
    SELECT
        cell,
        path,
        section,
        CASE WHEN $level = 0 THEN cell ELSE min(cell) OVER (PARTITION BY section) END AS place
    FROM pages_labels
),
taken AS (
    SELECT day, first.place AS from_place, next.place AS to_place, contributor, person
    FROM flows_people
    ANTI JOIN shown_steps USING (day, from_page, to_page)
    JOIN places AS first ON first.cell = from_page
    JOIN places AS next ON next.cell = to_page
),
often AS (
    SELECT day, from_place, to_place
    FROM taken
    GROUP BY ALL
    HAVING count(*) >= $threshold
),
counted AS (
    SELECT
        day,
        from_place,
        to_place,
        count(DISTINCT contributor) AS contributors,
        count(DISTINCT person) AS visitors
    FROM taken
    SEMI JOIN often USING (day, from_place, to_place)
    GROUP BY ALL
    HAVING contributors >= $threshold
)
SELECT
    day,
    CASE WHEN $level = 0 THEN from_place ELSE 0 END AS from_page,
    CASE WHEN $level = 0 THEN to_place ELSE 0 END AS to_page,
    CASE WHEN $level = 0 THEN first.path END AS from_path,
    CASE WHEN $level = 0 THEN next.path END AS to_path,
    first.section AS from_section,
    next.section AS to_section,
    contributors,
    visitors
FROM counted
JOIN places AS first ON first.cell = from_place
JOIN places AS next ON next.cell = to_place
ORDER BY day, visitors DESC, from_section, to_section, from_path, to_path
