-- What is due and held.
-- Parameters: $store. Reads held, due, due_records and reduced.
-- One row means: one subject of one category with one ground.
CREATE OR REPLACE TEMP TABLE held_due AS
WITH found AS (
    SELECT subject, category FROM due
    UNION
    SELECT subject, category FROM due_records
    UNION
    SELECT person_id::VARCHAR, category FROM reduced
)
SELECT found.subject, found.category, held.ground, held.ends_on
FROM found
JOIN held ON held.store = $store AND held.subject = found.subject
