-- What became of the records of each export.
-- Parameters: none. Reads judged, judged_refusals.
-- One row means one verdict on some records of one export. A record refused by a quality rule is counted
-- among the refusals alone.
WITH verdicts AS (
    SELECT delivery, verdict FROM judged WHERE verdict <> 'rejected'
    UNION ALL
    SELECT delivery, CASE WHEN is_fresh THEN 'rejected' ELSE 'duplicate' END FROM judged_refusals
)
SELECT delivery, verdict, count(*) FROM verdicts GROUP BY delivery, verdict
