DROP TABLE events;
DROP TABLE jobs;
DROP TABLE segments;
DROP TABLE tracks;
DROP TABLE assets;
