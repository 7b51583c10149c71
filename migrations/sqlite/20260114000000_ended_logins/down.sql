DROP INDEX revocations_by_time;
