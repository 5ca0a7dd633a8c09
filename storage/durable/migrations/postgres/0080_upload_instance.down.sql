ALTER TABLE uploads DROP COLUMN instance;
