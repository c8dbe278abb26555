-- The position of a ticket, if the view may still be believed.
-- KEYS[1] head  hash    version: the queue's version that the line shows; fresh_until: ms of Redis TIME;
--                       size: how many the line holds
-- KEYS[2] line  zset    ticket id -> order key, of everybody who waits
-- ARGV[1] ticket id; ARGV[2] how long a lease is, in ms
-- Answers {position, now}: from 1; 0 when the ticket does not wait; -1 when the lease is over; -2 without a whole view
-- (a Redis that runs out of memory may throw one of the two keys away).
local head = redis.call('HMGET', KEYS[1], 'version', 'fresh_until', 'size')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if not head[1] or tonumber(head[3]) ~= redis.call('ZCARD', KEYS[2]) then return {-2, now} end
-- A lease that seems longer than any was given before Redis' clock was put back.
if now >= tonumber(head[2]) or now + ARGV[2] < tonumber(head[2]) then return {-1, now} end
local rank = redis.call('ZRANK', KEYS[2], ARGV[1])
return {rank and rank + 1 or 0, now}
