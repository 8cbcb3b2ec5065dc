-- What is due in the rights store: whole requests, and before that the files of their answers.
-- Parameters: 1 the first day of an answer whose request is kept, 2 the first whose files are kept.
-- One row means: one request whose rows go, in every table or only in the one that is named.
INSERT INTO due
SELECT request_id, 'requests', answered_on, NULL
FROM requests
WHERE answered_on < $1
UNION ALL
SELECT request_id, 'exports', answered_on, 'packages'
FROM requests
WHERE answered_on < $2 AND answered_on >= $1
  AND request_id IN (SELECT request_id FROM packages)
