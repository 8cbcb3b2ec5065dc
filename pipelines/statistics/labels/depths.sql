-- Purpose: name the depths and lengths of visits.
-- Reads: nothing. Parameters: none.
-- One row means a cell of the measure depths; its kind is that of all visits of no page, of one page, or of more.
SELECT
    (depth * 8 + length)::INTEGER AS cell,
    ['0', '1', '2', '3-4', '5-9', '10+'][depth + 1] AS pages,
    ['one request', '0-9 s', '10-59 s', '1-4 min', '5-14 min', '15+ min'][length + 1] AS length,
    ['no page', 'one page', 'more pages'][least(depth, 2) + 1] AS kind
FROM range(6) AS depths(depth)
CROSS JOIN range(6) AS lengths(length)
