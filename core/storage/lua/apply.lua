-- Bring the view from one version of the queue to the next; a view that is at neither end is dropped.
-- KEYS[1] head, KEYS[2] line: see position.lua
-- ARGV[1] version before; ARGV[2] version after; ARGV[3] n, how many wait now at a new order key;
-- then n pairs of order key and ticket id; then the ids of those who wait no more
local head = redis.call('HMGET', KEYS[1], 'version', 'size')
if not head[1] or tonumber(head[1]) >= tonumber(ARGV[2]) then return 0 end
if head[1] ~= ARGV[1] or tonumber(head[2]) ~= redis.call('ZCARD', KEYS[2]) then
  redis.call('DEL', KEYS[1], KEYS[2])
  return -1
end
local first_gone = 4 + 2 * ARGV[3]
for i = 4, first_gone - 1, 2 do redis.call('ZADD', KEYS[2], ARGV[i], ARGV[i + 1]) end
for i = first_gone, #ARGV do redis.call('ZREM', KEYS[2], ARGV[i]) end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'size', redis.call('ZCARD', KEYS[2]))
return 1
