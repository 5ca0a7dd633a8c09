-- Ids of the passwords of a rule that were right when a token was given, a JSON list: the rule is decided again without them being shown.
ALTER TABLE grants ADD COLUMN passwords TEXT NOT NULL DEFAULT '[]';
