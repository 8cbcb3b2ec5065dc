-- Purpose: name what was not found.
-- Reads: taken, pages_labels, sources_labels. Parameters: none.
-- One row means a path that was not found, and where a link to it stands: its cell of the measure broken_links.
SELECT DISTINCT
    pages_labels.cell * 4 + origins.origin AS cell,
    pages_labels.path,
    pages_labels.subsection,
    pages_labels.section,
    ['(none)', 'own site', 'elsewhere'][origins.origin + 1] AS origin
FROM (SELECT DISTINCT path, referrer_domain FROM taken WHERE status = 404) AS missed
JOIN pages_labels USING (path)
JOIN (SELECT DISTINCT logged_domain, origin FROM sources_labels) AS origins
    ON origins.logged_domain IS NOT DISTINCT FROM missed.referrer_domain
