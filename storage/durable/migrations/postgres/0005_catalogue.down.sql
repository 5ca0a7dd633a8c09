DROP TABLE uploads, idempotency, playback_days, audit, search_rows, categories, labels, api_keys, events, schedules, job_waits, jobs,
    segments, tracks, assets;
