-- owned: tonight's accepted records, each with its person.
-- Parameters: none. Reads accepted, resolved.
-- One row means one record.
CREATE OR REPLACE TEMP TABLE owned AS
SELECT accepted.*, coalesce(resolved.person_id, accepted.lone_id) AS person_id
FROM accepted
LEFT JOIN resolved USING (source, person_ref)
