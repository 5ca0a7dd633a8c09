-- The key of an encrypted asset's media: its public name, 32 hex digits, and the key itself, sealed by the origin's content.key.
ALTER TABLE assets ADD COLUMN key_id TEXT;
ALTER TABLE assets ADD COLUMN sealed_key TEXT;
