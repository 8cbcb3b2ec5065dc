-- Purpose: name the rights, and the times that answers take.
-- Reads: requests (the view of the opened rights store). Parameters: none.
-- One row means a right that was exercised and a time between receipt and answer: its cell of the measure
-- privacy_requests, and the days (least to most; -1 is not answered).
SELECT
    row_number() OVER ()::INTEGER AS cell,
    requested_right,
    answered_within,
    least,
    most
FROM (SELECT DISTINCT requested_right FROM requests)
CROSS JOIN (
    VALUES ('open', -1, -1), ('0-7', 0, 7), ('8-30', 8, 30), ('31-92', 31, 92), ('93+', 93, 1_000_000)
) AS times(answered_within, least, most)
