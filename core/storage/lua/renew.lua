-- Renew the lease of a view that shows the queue's version, and answer a position from it.
-- KEYS[1] head, KEYS[2] line: see position.lua
-- ARGV[1] the version in the record; ARGV[2] the lease's end in ms of Redis TIME; ARGV[3] ticket id
-- Answers the position from 1, 0 when the ticket does not wait, -2 when the view shows another version.
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return -2 end
redis.call('HSET', KEYS[1], 'fresh_until', ARGV[2])
local rank = redis.call('ZRANK', KEYS[2], ARGV[3])
return rank and rank + 1 or 0
