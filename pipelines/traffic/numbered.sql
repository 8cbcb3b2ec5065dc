-- Purpose: the numbers of texts that were learnt since, and the hits staged with all of theirs.
-- Reads `numbering` and the lookups; parameters: $callers, $agents, $paths, $queries, $referrers, the first
--   number in each that is new.
-- One row of `staged` means one request of a line that is neither refused nor expired; a number is null
--   where the line has no such text, or nothing of it is kept.
INSERT INTO staged
SELECT
    n.file_no, n.line, n.hit_on, n.hit_at,
    coalesce(n.caller_no, c.caller_no), coalesce(n.agent_no, a.agent_no), coalesce(n.path_no, p.path_no),
    coalesce(n.query_no, q.query_no), coalesce(n.referrer_no, r.referrer_no),
    n.method, n.status, n.sent_bytes
FROM numbering AS n
LEFT JOIN (FROM callers WHERE caller_no >= $callers) AS c ON c.caller = n.caller
LEFT JOIN (FROM agents WHERE agent_no >= $agents) AS a ON a.agent = n.agent
LEFT JOIN (FROM paths WHERE path_no >= $paths) AS p ON p.raw_path = n.raw_path
LEFT JOIN (FROM queries WHERE query_no >= $queries) AS q ON q.query = n.query
LEFT JOIN (FROM referrers WHERE referrer_no >= $referrers) AS r ON r.referrer = n.referrer
