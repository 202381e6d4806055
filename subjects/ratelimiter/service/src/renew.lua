-- Joins the registry or renews the place in it: what a node *is*, so a lost heartbeat or an emptied Redis heals.
--   KEYS     ratelimiter:node:<id>, ratelimiter:members, ratelimiter:departed
--   ARGV     id, ttl_ms, startedAtMs or '', then field, value, …
--   returns  { Redis time in ms, startedAtMs }
-- The hash expires, the membership doesn't: so a node that died is missed instead of forgotten.
local node, members, departed = KEYS[1], KEYS[2], KEYS[3]
local id, ttl_ms, started = ARGV[1], ARGV[2], ARGV[3]
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
if started == '' then started = now end

redis.call('HSET', node, 'id', id, 'startedAtMs', started, 'heartbeatAtMs', now, unpack(ARGV, 4))
redis.call('PEXPIRE', node, ttl_ms)
redis.call('SADD', members, id)
redis.call('HDEL', departed, id)
return { tonumber(now), tonumber(started) }
