-- Purpose: parsed lines → hits, with everything that points to a person replaced or dropped.
-- Reads `parsed` and, each distinct value once, `pseudonyms`, `paths`, `scrubbed_paths`, `campaigns`,
--   `referrer_domains`, `agent_families`. No parameters.
-- One row of `staged` means one request of a line that is neither refused nor expired.
INSERT INTO staged
SELECT
    p.file_no, p.line, p.hit_on, p.hit_at,
    u.visitor, u.address,
    CASE WHEN s.path IS DISTINCT FROM '(malformed)' THEN p.method END,
    CASE WHEN p.raw_path IS NULL THEN '(malformed)' WHEN w.is_plain THEN p.raw_path ELSE s.path END,
    p.status, p.sent_bytes,
    r.referrer_domain,
    c.campaign_source, c.campaign_medium, c.campaign_name,
    -- a format without user agents says nothing of browser or robot
    CASE WHEN p.agent IS NULL THEN '(unknown)' ELSE a.browser END,
    a.browser_version,
    CASE WHEN p.agent IS NULL THEN '(unknown)' ELSE a.system END,
    CASE WHEN p.agent IS NULL THEN 'other' ELSE a.device END,
    CASE WHEN p.agent IS NULL THEN false ELSE a.is_bot END,
    NULL AS country
FROM parsed AS p
LEFT JOIN pseudonyms AS u ON u.month = p.month AND u.host = p.host AND u.agent IS NOT DISTINCT FROM p.agent
LEFT JOIN paths AS w ON w.raw_path = p.raw_path
LEFT JOIN scrubbed_paths AS s ON s.raw_path = p.raw_path
LEFT JOIN campaigns AS c ON c.query = p.query
LEFT JOIN referrer_domains AS r ON r.authority = p.authority
LEFT JOIN agent_families AS a ON a.agent = p.agent
WHERE p.reason IS NULL AND NOT p.is_expired
