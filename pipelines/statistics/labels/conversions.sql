-- Purpose: number the ways to a goal.
-- Reads: goal_visits, goals. Parameters: none.
-- One row means a goal that was reached by visits that came by a medium and began on a page: its cell of the measure
-- conversions, and what it is called at each level.
SELECT row_number() OVER ()::INTEGER AS cell, number, goal, medium, entry_page, entry_section
FROM (
    SELECT DISTINCT number, goal, medium, entry_page, entry_section
    FROM goal_visits
    JOIN (SELECT DISTINCT number, goal FROM goals) ON goals & (1::BIGINT << number) <> 0
)
