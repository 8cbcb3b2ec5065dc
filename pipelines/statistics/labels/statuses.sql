-- Purpose: name the answers.
-- Reads: taken. Parameters: none.
-- One row means an HTTP status code: its cell of the measure statuses, its class for codes of too few visitors.
-- A log format without status says nothing of the outcome: one cell of its own, 0, and no class.
SELECT
    coalesce(status, 0)::INTEGER AS cell,
    coalesce(status::VARCHAR, '(unknown)') AS status,
    left(status::VARCHAR, 1) || 'xx (other)' AS class
FROM (SELECT DISTINCT status FROM taken)
