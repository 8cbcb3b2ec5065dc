-- Purpose: name the answers.
-- Reads: taken. Parameters: none.
-- One row means an HTTP status code: its cell of the measure statuses, its class for codes of too few visitors, and its
-- kind: an error, one that a page view may have (viewable), or another. A reader whose browser shows its own copy (304)
-- has seen the page; one piece of a file (206) is no page. Only codes of one kind share a class.
-- A log format without status says nothing of the outcome: one cell of its own, 0, and no class.
SELECT
    coalesce(status, 0)::INTEGER AS cell,
    coalesce(status::VARCHAR, '(unknown)') AS status,
    CASE WHEN status NOT IN (206, 304) THEN left(status::VARCHAR, 1) || 'xx (other)' END AS class,
    CASE
        WHEN status >= 400 THEN 'error'
        WHEN status BETWEEN 200 AND 205 OR status BETWEEN 207 AND 299 OR status = 304 THEN 'viewable'
        ELSE 'other'
    END AS kind
FROM (SELECT DISTINCT status FROM taken)
