-- Purpose: where readers go from a page.
-- Reads: requests. Parameters: none.
-- One row means a person who went from a page to another, the next one viewed in the same visit, on a day. The same
-- page again is no step.
SELECT DISTINCT day, from_page, page AS to_page, person, contributor
FROM requests
WHERE NOT is_bot AND is_page_view AND from_page > 0 AND from_page <> page
