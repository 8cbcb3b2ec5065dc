-- Purpose: name the hours, and the quarters of the day that they are in.
-- Reads: nothing. Parameters: none.
-- One row means a local hour of a day: its cell of the measure hours, and its quarter for hours of too few visitors.
SELECT
    hour::INTEGER AS cell,
    lpad(hour::VARCHAR, 2, '0') AS hour,
    format('{:02d}-{:02d} (other)', hour // 6 * 6, hour // 6 * 6 + 5) AS quarter
FROM range(24) AS hours(hour)
