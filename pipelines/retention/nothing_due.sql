-- The tables that say what is due, empty.
-- Parameters: none.
-- One row means: due, one subject in one table, or in every table that knows it (only_in null); due_records, one
-- record; reduced, one person of whom only a withdrawal or objection is remembered.
CREATE OR REPLACE TEMP TABLE due (subject VARCHAR, category VARCHAR, started_on DATE, only_in VARCHAR);
CREATE OR REPLACE TEMP TABLE due_records (
    table_name VARCHAR, source VARCHAR, ref VARCHAR, subject VARCHAR, category VARCHAR, started_on DATE
);
CREATE OR REPLACE TEMP TABLE reduced (person_id UUID, category VARCHAR, started_on DATE)
