-- Purpose: a day as a whole is one cell, which has no label.
-- Reads: nothing. Parameters: none.
-- One row means the cell of the measure daily.
SELECT 0 AS cell
