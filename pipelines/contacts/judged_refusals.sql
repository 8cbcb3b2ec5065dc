-- judged_refusals: the refused records, each raw record and reason once, over all nights.
-- Parameters: none. Reads refused, contact_rejects.
-- One row means one refused record: is_fresh where it is to be kept as a reject, otherwise a duplicate.
-- A full export brings the same bad record every night.
CREATE OR REPLACE TEMP TABLE judged_refusals AS
SELECT
    refused.*,
    kept.raw IS NULL
    AND row_number() OVER (PARTITION BY refused.reason, refused.raw ORDER BY refused.delivery, refused.line) = 1
        AS is_fresh
FROM refused
LEFT JOIN (SELECT DISTINCT reason, raw FROM contact_rejects) AS kept
    ON kept.reason = refused.reason AND kept.raw = refused.raw
