-- Purpose: number what the site is read with.
-- Reads: taken. Parameters: none.
-- One row means a combination of browser, system and device: its cell of the measure technology.
SELECT row_number() OVER ()::INTEGER AS cell, browser, system, device
FROM (SELECT DISTINCT browser, system, device FROM taken)
