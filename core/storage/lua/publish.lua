-- Put a line that was built aside in the place of the view, unless a newer version stands there.
-- KEYS[1] head, KEYS[2] line: see position.lua; KEYS[3] the line built aside, absent when nobody waits
-- ARGV[1] version; ARGV[2] the lease's end in ms of Redis TIME; ARGV[3] seconds after which an unused view goes;
-- ARGV[4] how many the line holds: where it was flushed away meanwhile, nothing is published
local version = redis.call('HGET', KEYS[1], 'version')
if version and tonumber(version) > tonumber(ARGV[1]) or redis.call('ZCARD', KEYS[3]) ~= tonumber(ARGV[4]) then
  redis.call('DEL', KEYS[3])
  return 0
end
redis.call('DEL', KEYS[2])
if redis.call('EXISTS', KEYS[3]) == 1 then redis.call('RENAME', KEYS[3], KEYS[2]) end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'fresh_until', ARGV[2], 'size', ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[3])
return 1
