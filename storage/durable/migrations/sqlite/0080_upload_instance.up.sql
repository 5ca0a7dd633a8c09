-- The data folder that has the bytes of an upload under way, among those of one installation.
ALTER TABLE uploads ADD COLUMN instance TEXT;
