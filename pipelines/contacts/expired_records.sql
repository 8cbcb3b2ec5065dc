-- expired_records: which records must be gone on a day, though their person may stay.
-- Parameters: day, time_zone.
-- Reads messages, consents, cookies ({prefix} is empty or "new_") and periods.
-- One row means one record: an answer to a survey, a conversation with the chatbot, a testimonial (also one whose
-- consent was withdrawn since), a cookie choice, or a withdrawal with the consents that it had ended. An
-- objection stays as long as its person is known: without it, what they objected to would begin again.
CREATE OR REPLACE TEMP TABLE expired_records AS
WITH records AS (
    -- one row: one record that has a clock of its own
    SELECT
        'messages' AS table_name, source, message_ref AS ref, person_id, kinds.category,
        timezone($time_zone, timezone('UTC', recorded_at))::DATE AS started_on
    FROM {prefix}messages
    JOIN (VALUES ('survey', 'surveys'), ('chatbot', 'chatbot'), ('testimonial', 'testimonials'))
        AS kinds(kind, category) USING (kind)
    UNION ALL
    SELECT
        'cookies', source, choice_ref, person_id, 'cookies_' || cookie_type,
        timezone($time_zone, timezone('UTC', recorded_at))::DATE
    FROM {prefix}cookies
    UNION ALL
    -- a consent goes with the withdrawal that ended it, or it would look as if it still held
    SELECT
        'consents', earlier.source, earlier.consent_ref, earlier.person_id, 'newsletter',
        max(timezone($time_zone, timezone('UTC', withdrawal.recorded_at))::DATE)
    FROM {prefix}consents AS withdrawal
    JOIN {prefix}consents AS earlier
        ON earlier.person_id = withdrawal.person_id AND earlier.purpose = withdrawal.purpose
        AND earlier.recorded_at <= withdrawal.recorded_at AND earlier.action <> 'objected'
    WHERE withdrawal.action = 'withdrawn'
    GROUP BY ALL
), over AS (
    SELECT records.*
    FROM records
    JOIN periods USING (category)
    WHERE CAST(started_on + to_months(periods.months) + to_days(periods.days) AS DATE) < $day
), withdrawn AS (
    -- one row: one testimonial whose author no longer agrees, from the first day on which that was so
    SELECT
        'messages' AS table_name, messages.source, message_ref AS ref, messages.person_id, 'testimonials' AS category,
        min(timezone($time_zone, timezone('UTC', consents.recorded_at))::DATE) AS started_on
    FROM {prefix}messages AS messages
    JOIN {prefix}consents AS consents
        ON consents.person_id = messages.person_id AND consents.purpose = 'testimonials'
        AND consents.action <> 'given' AND consents.recorded_at >= messages.recorded_at
    WHERE messages.kind = 'testimonial'
    GROUP BY ALL
)
FROM over
UNION ALL
SELECT withdrawn.* FROM withdrawn ANTI JOIN over USING (table_name, source, ref) WHERE started_on < $day
