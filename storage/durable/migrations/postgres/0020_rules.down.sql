DROP TABLE gating_rules;
