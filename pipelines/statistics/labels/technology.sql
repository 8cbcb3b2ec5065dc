-- Purpose: number what the site is read with.
-- Reads: taken. Parameters: none.
-- One row means a combination of browser, version, system and device: its cell of the measure technology.
SELECT
    row_number() OVER ()::INTEGER AS cell,
    browser,
    browser_version AS logged_version,
    coalesce(browser_version, '(none)') AS version,
    system,
    device
FROM (SELECT DISTINCT browser, browser_version, system, device FROM taken)
