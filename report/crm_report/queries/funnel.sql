SELECT
  source, stage, stage_order, opportunities_reached AS reached, share_reached, conversion_from_previous,
  opportunities_now AS now_here, average_days_in_stage
FROM bi.opportunity_funnel
ORDER BY source, stage_order
