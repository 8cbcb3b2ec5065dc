-- Purpose: the refused lines that are hits already: a replay that was killed had sealed them.
-- Reads `hits` and `rejects` of all days, and `files`. No parameters.
-- One row of `fates` means one line of which the fate is known. `was`: the reason that it was refused for.
INSERT INTO fates
SELECT DISTINCT r.load_id, r.line, r.received_on, 'accepted' AS fate, NULL AS reason, NULL AS was
FROM hits AS h
JOIN (SELECT load_id, line, received_on FROM rejects SEMI JOIN files USING (load_id)) AS r
    ON r.load_id = h.load_id AND r.line = h.line
