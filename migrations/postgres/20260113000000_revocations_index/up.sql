-- The one query by time also asks that the token has not expired, and reads revocations_by_expiry.
DROP INDEX revocations_by_time;
