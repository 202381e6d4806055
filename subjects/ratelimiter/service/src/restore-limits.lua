-- Gives an emptied Redis its limits back from a node that still knows them; the first node to ask does it.
--   KEYS     ratelimiter:limits, ratelimiter:limits:version
--   ARGV     the version that the node knows, then key, limit as JSON, …
--   returns  1 when restored, 0 when Redis has a version and needs nothing
-- Deleting counts the version up and never removes it, so a missing version means that Redis lost its data.
local limits, version = KEYS[1], KEYS[2]
if redis.call('EXISTS', version) == 1 then return 0 end
for at = 2, #ARGV, 2 do redis.call('HSET', limits, ARGV[at], ARGV[at + 1]) end
redis.call('SET', version, ARGV[1])
return 1
