-- Stores or removes one key's limit and counts the version up, in one step, so no node can read the one without
-- the other.
--   KEYS     ratelimiter:limits, ratelimiter:limits:version
--   ARGV     key, the limit as JSON or '' to remove it, the most limits that may be stored
--   returns  the version after it, or 0 when there are too many, or -1 when there was nothing to remove
local limits, version = KEYS[1], KEYS[2]
local key, limit, most = ARGV[1], ARGV[2], tonumber(ARGV[3])

if limit == '' then
  if redis.call('HDEL', limits, key) == 0 then return -1 end
else
  if redis.call('HEXISTS', limits, key) == 0 and redis.call('HLEN', limits) >= most then return 0 end
  redis.call('HSET', limits, key, limit)
end
return redis.call('INCR', version)
