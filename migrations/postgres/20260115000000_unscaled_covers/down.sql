DROP TABLE unscaled_covers;
