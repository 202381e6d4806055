-- Takes a node out of the registry and says so: the entry in departed is the evidence that it was meant.
--   KEYS     ratelimiter:node:<id>, ratelimiter:members, ratelimiter:departed
--   ARGV     id, instance or '' for whoever holds the id, how long a departure is remembered in ms
--   returns  { left, Redis time in ms }
-- A process leaves only its own place: one that was replaced under the same id must not take out its successor.
local node, members, departed = KEYS[1], KEYS[2], KEYS[3]
local id, instance, remembered_ms = ARGV[1], ARGV[2], tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local holder = redis.call('HGET', node, 'instance')
if holder and holder ~= instance then return { 0, now } end
if redis.call('SISMEMBER', members, id) == 0 then return { 0, now } end

redis.call('DEL', node)
redis.call('SREM', members, id)
local departures = redis.call('HGETALL', departed)
for at = 1, #departures, 2 do
  if tonumber(departures[at + 1]) < now - remembered_ms then redis.call('HDEL', departed, departures[at]) end
end
redis.call('HSET', departed, id, string.format('%.0f', now))
return { 1, now }
