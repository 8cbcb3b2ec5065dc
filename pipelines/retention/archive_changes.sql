-- What would change in the archive.
-- Parameters: none. Reads archived and archived_people (of contacts/clocks.py).
-- One row means: the archive; who comes, who leaves, and how many it will hold.
SELECT
    (SELECT count(*) FROM archived_people ANTI JOIN archived USING (person_id)),
    (SELECT count(*) FROM archived ANTI JOIN archived_people USING (person_id)),
    (SELECT count(*) FROM archived_people)
