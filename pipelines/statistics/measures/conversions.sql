-- Purpose: which visits reach what the site is for.
-- Reads: goal_visits, conversions_labels. Parameters: $month (its first day).
-- One row means a visitor whose visits came by a medium and began on a page from which a goal was reached in the month;
-- those visits that did not reach it are counted apart, as the rest of the visits would give them away.
SELECT
    $month::DATE AS month,
    cell,
    person,
    contributor,
    coalesce(sum(visits) FILTER (goals & (1::BIGINT << number) <> 0), 0)::INTEGER AS conversions,
    conversions AS contributors,
    (sum(visits) - conversions)::INTEGER AS without_conversions
FROM goal_visits
JOIN conversions_labels USING (medium, entry_page)
GROUP BY cell, person, contributor
