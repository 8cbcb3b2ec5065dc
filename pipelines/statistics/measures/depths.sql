-- Purpose: how many pages a visit sees, and how long it lasts.
-- Reads: requests. Parameters: none.
-- One row means a person with visits of a depth and a length on a day. The cell is the depth (0 to 5, the largest is 10
-- page views and more) times 8, and the length (0 to 5, 0 is one request alone).
SELECT
    day,
    (
        CASE
            WHEN visit_pages <= 2 THEN visit_pages
            WHEN visit_pages <= 4 THEN 3
            WHEN visit_pages <= 9 THEN 4
            ELSE 5
        END * 8
        + CASE
            WHEN visit_seconds IS NULL THEN 0
            WHEN visit_seconds < 10 THEN 1
            WHEN visit_seconds < 60 THEN 2
            WHEN visit_seconds < 300 THEN 3
            WHEN visit_seconds < 900 THEN 4
            ELSE 5
        END
    )::INTEGER AS cell,
    person,
    contributor,
    count(*)::USMALLINT AS visits,
    visits AS contributors
FROM requests
WHERE NOT is_bot AND starts_visit
GROUP BY day, cell, person, contributor
