-- Purpose: number the kinds of messages.
-- Reads: messages (the view of the opened contacts). Parameters: none.
-- One row means a kind of message: its cell of the measure contact_activity.
SELECT row_number() OVER ()::INTEGER AS cell, kind
FROM (SELECT DISTINCT kind FROM messages)
