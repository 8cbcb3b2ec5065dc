-- Purpose: keep how long visits last, for the middle of the day.
-- Reads: requests. Parameters: none.
-- One row means a visit of two requests or more.
SELECT day, contributor, visit_seconds AS seconds
FROM requests
WHERE NOT is_bot AND starts_visit AND visit_seconds IS NOT NULL
