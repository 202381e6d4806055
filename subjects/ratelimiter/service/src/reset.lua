-- Forgets a counter, and says when: who holds the log against what nodes admitted has to know why hits are gone.
--   KEYS     ratelimit:<key>, ratelimiter:reset:<key>
--   ARGV     how long the reset is remembered in ms
--   returns  the number of hits that the log had
local counter, reset, remembered_ms = KEYS[1], KEYS[2], ARGV[1]
local time = redis.call('TIME')
local hits = redis.call('ZCARD', counter)
redis.call('DEL', counter)
redis.call('SET', reset, string.format('%.0f', time[1] * 1000000 + time[2]), 'PX', remembered_ms)
return hits
