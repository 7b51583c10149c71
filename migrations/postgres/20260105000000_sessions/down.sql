DROP TABLE session_queues;
DROP TABLE sessions;
