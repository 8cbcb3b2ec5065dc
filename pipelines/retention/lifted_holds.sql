-- All holds, the one of the temporary table `lifted` ending with its day.
-- Parameters: none. Reads holds and lifted.
-- One row means: one target of one hold.
SELECT
    holds.* REPLACE (
        CASE WHEN lifted.hold_id IS NULL THEN holds.ends_on ELSE least(ifnull(holds.ends_on, lifted.day), lifted.day) END
        AS ends_on
    )
FROM holds
LEFT JOIN lifted USING (hold_id)
