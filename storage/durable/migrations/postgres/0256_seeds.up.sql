-- Schedules of the house that were entered once: one that somebody ended is not entered again.
CREATE TABLE seeds (
    schedule TEXT COLLATE "C" PRIMARY KEY
);
