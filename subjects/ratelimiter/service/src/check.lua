-- Decides one request by an exact sliding window log, all or nothing.
--   KEYS[1]  ratelimit:<key>, a sorted set: member timestamp:sequence, score the microsecond of admission
--   ARGV     limit, window_ms, cost, member
--   returns  { allowed, count, remaining, retry_after in ms, the microsecond of admission or 0 }
-- Only admitted hits are logged, so a client that keeps asking while denied isn't blocked for ever.
-- The clock is Redis', so nodes whose clocks differ share one window. Microseconds, because entries that
-- leave a fraction of a millisecond early would admit more than the limit.
local key, member = KEYS[1], ARGV[4]
local limit, window_ms, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local window = window_ms * 1000

redis.call('ZREMRANGEBYSCORE', key, '-inf', now - window)
local count = redis.call('ZCARD', key)

-- The member is made by the node, once per request: when it's in the log, this is a retry of what was admitted.
local admitted = redis.call('ZSCORE', key, member)
if admitted then
  return { 1, count, math.max(limit - count, 0), 0, tonumber(admitted) }
end

if count + cost <= limit then
  redis.call('ZADD', key, now, member)
  for hit = 2, cost do
    redis.call('ZADD', key, now, member .. '.' .. hit)
  end
  -- One more millisecond, because Redis expires by the millisecond and the last hit may be younger than that.
  redis.call('PEXPIRE', key, window_ms + 1)
  return { 1, count + cost, limit - count - cost, 0, now }
end

local last_to_leave = redis.call('ZRANGE', key, count + cost - limit - 1, count + cost - limit - 1, 'WITHSCORES')[2]
local retry_after = window_ms
if last_to_leave then
  retry_after = math.ceil((last_to_leave + window - now) / 1000)
end
return { 0, count, math.max(limit - count, 0), retry_after, 0 }
