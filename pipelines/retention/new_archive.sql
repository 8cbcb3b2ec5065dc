-- The archive as it will be.
-- Parameters: $day. Reads archived and archived_people.
-- One row means: one person in the archive, and since when.
CREATE OR REPLACE TEMP TABLE new_archive AS
SELECT person_id, ifnull(archived.archived_on, $day::DATE) AS archived_on
FROM archived_people
LEFT JOIN archived USING (person_id)
