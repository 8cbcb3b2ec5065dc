-- Purpose: staged hits as the catalog declares them, with everything that points to a person replaced.
-- Reads `staged`, `files` (file_no, load_id), `pseudonyms` and what is known of the texts. No parameters.
-- One row of `ordered` means one hit, those of one address together; one row of `staged_hits` the same, decoded.
-- Texts are looked up in lists: joins would give the rows to the writer in no order, and it then uses one core.
CREATE OR REPLACE TEMP TABLE ordered AS
SELECT s.* EXCLUDE (caller_no), u.visitor, u.address, c.country, f.load_id
FROM staged AS s
JOIN files AS f USING (file_no)
JOIN callers AS c USING (caller_no)
LEFT JOIN pseudonyms AS u
    ON u.month_no = year(s.hit_on) * 12 + month(s.hit_on)
    AND u.caller_no = s.caller_no AND u.agent_no IS NOT DISTINCT FROM s.agent_no
-- `place` orders as the address does, and a short key sorts faster
ORDER BY s.hit_on, u.place, s.hit_at;

DROP TABLE staged;

SET VARIABLE path = (SELECT coalesce(list(path ORDER BY path_no), CAST([] AS VARCHAR[])) FROM paths);
SET VARIABLE referrer_domain = (SELECT coalesce(list(referrer_domain ORDER BY referrer_no), CAST([] AS VARCHAR[])) FROM referrers);
SET VARIABLE campaign_source = (SELECT coalesce(list(campaign_source ORDER BY query_no), CAST([] AS VARCHAR[])) FROM queries);
SET VARIABLE campaign_medium = (SELECT coalesce(list(campaign_medium ORDER BY query_no), CAST([] AS VARCHAR[])) FROM queries);
SET VARIABLE campaign_name = (SELECT coalesce(list(campaign_name ORDER BY query_no), CAST([] AS VARCHAR[])) FROM queries);
SET VARIABLE browser = (SELECT coalesce(list(browser ORDER BY agent_no), CAST([] AS VARCHAR[])) FROM agents);
SET VARIABLE browser_version = (SELECT coalesce(list(browser_version ORDER BY agent_no), CAST([] AS VARCHAR[])) FROM agents);
SET VARIABLE system = (SELECT coalesce(list(system ORDER BY agent_no), CAST([] AS VARCHAR[])) FROM agents);
SET VARIABLE device = (SELECT coalesce(list(device ORDER BY agent_no), CAST([] AS VARCHAR[])) FROM agents);
SET VARIABLE is_bot = (SELECT coalesce(list(is_bot ORDER BY agent_no), CAST([] AS BOOLEAN[])) FROM agents);

CREATE OR REPLACE TEMP VIEW staged_hits AS
SELECT
    load_id, line, hit_at, visitor, address,
    CASE WHEN getvariable('path')[path_no + 1] <> '(malformed)' THEN method END AS method,
    coalesce(getvariable('path')[path_no + 1], '(malformed)') AS path,
    status, sent_bytes,
    getvariable('referrer_domain')[referrer_no + 1] AS referrer_domain,
    getvariable('campaign_source')[query_no + 1] AS campaign_source,
    getvariable('campaign_medium')[query_no + 1] AS campaign_medium,
    getvariable('campaign_name')[query_no + 1] AS campaign_name,
    -- a format without user agents says nothing of browser or robot
    coalesce(getvariable('browser')[agent_no + 1], '(unknown)') AS browser,
    getvariable('browser_version')[agent_no + 1] AS browser_version,
    coalesce(getvariable('system')[agent_no + 1], '(unknown)') AS system,
    coalesce(getvariable('device')[agent_no + 1], 'other') AS device,
    coalesce(getvariable('is_bot')[agent_no + 1], false) AS is_bot,
    country, hit_on
FROM ordered
;

-- What may stand in `staged_hits`, each text once: what holds of each of them holds of each hit.
CREATE OR REPLACE TEMP TABLE known_texts AS
FROM (SELECT DISTINCT path FROM paths UNION SELECT '(malformed)')
POSITIONAL JOIN (SELECT DISTINCT method FROM ordered)
POSITIONAL JOIN (SELECT DISTINCT referrer_domain FROM referrers)
POSITIONAL JOIN (SELECT DISTINCT campaign_source FROM queries)
POSITIONAL JOIN (SELECT DISTINCT campaign_medium FROM queries)
POSITIONAL JOIN (SELECT DISTINCT campaign_name FROM queries)
POSITIONAL JOIN (SELECT DISTINCT browser FROM agents UNION SELECT '(unknown)')
POSITIONAL JOIN (SELECT DISTINCT browser_version FROM agents)
POSITIONAL JOIN (SELECT DISTINCT system FROM agents UNION SELECT '(unknown)')
POSITIONAL JOIN (SELECT DISTINCT device FROM agents UNION SELECT 'other')
POSITIONAL JOIN (SELECT DISTINCT country FROM callers)
