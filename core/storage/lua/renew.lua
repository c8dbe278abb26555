-- Renew the lease of a view that shows the queue's version, and answer a position from it.
-- KEYS[1] head, KEYS[2] line: see position.lua
-- ARGV[1] the version in the record; ARGV[2] the lease's end in ms of Redis TIME; ARGV[3] ticket id
-- Answers the position from 1, 0 when the ticket does not wait, -1 when the lease is over already or the view shows a
-- newer version, -2 when it shows an older one or is not whole.
local head = redis.call('HMGET', KEYS[1], 'version', 'size')
if not head[1] or tonumber(head[2]) ~= redis.call('ZCARD', KEYS[2]) then return -2 end
if tonumber(head[1]) < tonumber(ARGV[1]) then return -2 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if head[1] ~= ARGV[1] or now >= tonumber(ARGV[2]) then return -1 end
redis.call('HSET', KEYS[1], 'fresh_until', ARGV[2])
local rank = redis.call('ZRANK', KEYS[2], ARGV[3])
return rank and rank + 1 or 0
