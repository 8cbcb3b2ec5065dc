-- Purpose: name the hours.
-- Reads: nothing. Parameters: none.
-- One row means a local hour of a day: its cell of the measure hours.
SELECT hour::INTEGER AS cell, lpad(hour::VARCHAR, 2, '0') AS hour
FROM range(24) AS hours(hour)
