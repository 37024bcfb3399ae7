"""What Redis does for the event log in one piece: Lua runs alone there, so nothing comes between.

All keys begin with KEYS[1]. Sequence numbers are one count over all partitions, and are the entry
ids of the streams (`<seq>-0`), so every stream is in the order of storing. The streams hold the
order alone; what an event says is in the hash `rows`, where it can be erased.
"""

# Shared by the scripts that store and that read: Lua compares texts by the server's language.
_LESS = """
local function less(a, b)  -- by bytes
  for i = 1, math.min(#a, #b) do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then return x < y end
  end
  return #a < #b
end
"""

# Who showed a key or said an alias first; ids that this may join wait in `pending` to be stitched.
_NOTES = """
local touched = false

local function touch(id)
  redis.call('SADD', prefix .. 'pending', id)
  touched = true
end

local function sooner(at, id, since, said)
  local x, y = tonumber(at), tonumber(since)
  return x < y or (x == y and less(id, said))
end

local function note_key(customer, reason, key, at, id)  -- kept: at reason undone message-id
  local known, undone = redis.call('HGET', prefix .. 'keys:' .. customer, key), '-'
  if known then
    local since, _, mark, said = known:match('^(%S+) (%S+) (%S+) (.*)$')
    if not sooner(at, id, since, said) then return end
    undone = mark
  end
  local text = at .. ' ' .. reason .. ' ' .. undone .. ' ' .. id
  redis.call('HSET', prefix .. 'keys:' .. customer, key, text)
  if undone == '-' then redis.call('ZADD', prefix .. 'key:' .. key, at, customer) end
  if redis.call('ZCARD', prefix .. 'key:' .. key) > 1 then touch(customer) end
end

local function note_alias(previous, customer, at, id)  -- kept twice: at undone message-id
  local pair, undone = previous .. '\\0' .. customer, '-'
  local known = redis.call('HGET', prefix .. 'aliases:' .. previous, pair)
  if known then
    local since, mark, said = known:match('^(%S+) (%S+) (.*)$')
    if not sooner(at, id, since, said) then return end
    undone = mark
  end
  for _, place in ipairs({previous, customer}) do
    redis.call('HSET', prefix .. 'aliases:' .. place, pair, at .. ' ' .. undone .. ' ' .. id)
    touch(place)
  end
end

local function note_first(customer, at)  -- an alias counts from when its previous id is a customer
  if redis.call('EXISTS', prefix .. 'aliases:' .. customer) == 0 then return end
  local first = redis.call('ZRANGE', prefix .. 'of:customer:' .. customer, 0, 0, 'WITHSCORES')[2]
  if not first or tonumber(at) < tonumber(first) then touch(customer) end
end
"""

# ARGV: how many erasures the events were screened for; then nine values per event: message id,
# time (µs), customer or '', device or '', partition, row, kind, 1 if it has a decision id, and its
# keys as `reason key reason key ...`.
# Returns -1 and the number of erasures where that is another one. Else how many ids are waiting to
# be stitched, and one number per event: its sequence number, negative where it was stored before.
APPEND = f"""
local prefix = KEYS[1]
{_LESS}
{_NOTES}
local erasures = redis.call('HGET', prefix .. 'about', 'erasures') or '0'
if erasures ~= ARGV[1] then return {{-1, tonumber(erasures)}} end

local function link(device, customer, at)
  local known = redis.call('HGET', prefix .. 'links', device)
  if known then
    local cut = known:find(' ', 1, true)
    local since, owner = known:sub(1, cut - 1), known:sub(cut + 1)
    if not sooner(at, customer, since, owner) then return end
    redis.call('SREM', prefix .. 'devices:' .. owner, device)
  end
  redis.call('HSET', prefix .. 'links', device, at .. ' ' .. customer)
  redis.call('SADD', prefix .. 'devices:' .. customer, device)
end

local function widen(at)
  local first = redis.call('HGET', prefix .. 'about', 'first_at')
  local last = redis.call('HGET', prefix .. 'about', 'last_at')
  if not first or tonumber(at) < tonumber(first) then
    redis.call('HSET', prefix .. 'about', 'first_at', at)
  end
  if not last or tonumber(at) > tonumber(last) then
    redis.call('HSET', prefix .. 'about', 'last_at', at)
  end
end

local function store(id, at, customer, device, part, row, kind, decided, keys)
  local seq = string.format('%.0f', redis.call('HINCRBY', prefix .. 'about', 'seq', 1))
  redis.call('XADD', prefix .. 'events:' .. part, seq .. '-0', 'e', '')
  redis.call('HSET', prefix .. 'rows', seq, row)
  redis.call('HSET', prefix .. 'messages', id, seq)
  if customer ~= '' then note_first(customer, at) end
  local owner = customer ~= '' and 'customer:' .. customer or 'device:' .. device
  redis.call('ZADD', prefix .. 'of:' .. owner, at, id .. '\\0' .. seq)
  if customer ~= '' then redis.call('SADD', prefix .. 'customers', customer) end
  if device ~= '' then redis.call('SADD', prefix .. 'seen', device) end
  if customer ~= '' and device ~= '' then
    redis.call('ZADD', prefix .. 'with:' .. device, at, customer .. '\\0' .. seq)
    link(device, customer, at)
    if kind == 'alias' and customer ~= device then note_alias(device, customer, at, id) end
  end
  if decided == '1' then
    redis.call('ZADD', prefix .. 'decided:' .. kind, at, string.format('%016.0f', tonumber(seq)))
  end
  for reason, key in keys:gmatch('(%S+) (%S+)') do note_key(customer, reason, key, at, id) end
  widen(at)
  return tonumber(seq)
end

local found = {{0}}
for i = 2, #ARGV, 9 do
  local known = redis.call('HGET', prefix .. 'messages', ARGV[i])
  found[#found + 1] = known and -tonumber(known) or store(unpack(ARGV, i, i + 8))
end
if touched then redis.call('HINCRBY', prefix .. 'about', 'version', 1) end
found[1] = redis.call('SCARD', prefix .. 'pending')
return found
"""

# ARGV: three values per item: item id, updated at (µs), row.
PUT_ITEMS = """
local items = KEYS[1] .. 'items'
for i = 1, #ARGV, 3 do
  local known = redis.call('HGET', items, ARGV[i])
  if not known or tonumber(ARGV[i + 1]) >= tonumber(known:sub(1, known:find(' ', 1, true) - 1)) then
    redis.call('HSET', items, ARGV[i], ARGV[i + 1] .. ' ' .. ARGV[i + 2])
    local change = redis.call('HINCRBY', KEYS[1] .. 'about', 'item_changes', 1)
    redis.call('ZADD', KEYS[1] .. 'item_changes', change, ARGV[i])
  end
end
"""

# ARGV: the version that was read, and two lists in JSON: commands with the answer that each gave,
# and commands that write; in a command the key comes without its prefix.
# Returns 1 where all was as it was read, and is written now; else 0, and nothing is written.
COMMIT = """
local prefix = KEYS[1]

local function call(command)
  return redis.call(command[1], prefix .. command[2], unpack(command, 3))
end

local version = redis.call('HGET', prefix .. 'about', 'version') or '0'
if version ~= ARGV[1] then return 0 end
for _, expected in ipairs(cjson.decode(ARGV[2])) do
  if tostring(call(expected[1])) ~= expected[2] then return 0 end
end
for _, command in ipairs(cjson.decode(ARGV[3])) do call(command) end
redis.call('HINCRBY', prefix .. 'about', 'version', 1)
return 1
"""

# ARGV: the number of a change. Returns how many ids wait to be stitched, the number of the last
# change, and by turns each id that changed since and how it is stitched ('' where it is not).
RESTITCHED = """
local prefix = KEYS[1]
local found = {
  redis.call('SCARD', prefix .. 'pending'),
  tonumber(redis.call('HGET', prefix .. 'about', 'changes') or '0'),
}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', prefix .. 'changes', '(' .. ARGV[1], '+inf')) do
  found[#found + 1] = id
  found[#found + 1] = redis.call('HGET', prefix .. 'stitches', id) or ''
end
return found
"""

# ARGV: a consumer, after how many milliseconds without a word one is dead, and how many partitions
# there are. Returns the partitions that are this consumer's: an equal share among those that live.
CLAIM = """
local prefix, name, parts = KEYS[1], ARGV[1], tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', prefix .. 'consumers', now, name)
redis.call('ZREMRANGEBYSCORE', prefix .. 'consumers', '-inf', '(' .. (now - tonumber(ARGV[2])))
local share = math.ceil(parts / redis.call('ZCARD', prefix .. 'consumers'))
local mine, free = {}, {}
for part = 0, parts - 1 do
  local owner = redis.call('HGET', prefix .. 'claims', part)
  if owner == name then mine[#mine + 1] = part
  elseif not owner or not redis.call('ZSCORE', prefix .. 'consumers', owner) then
    free[#free + 1] = part
  end
end
while #mine > share do redis.call('HDEL', prefix .. 'claims', table.remove(mine)) end
for _, part in ipairs(free) do
  if #mine < share then
    redis.call('HSET', prefix .. 'claims', part, name)
    mine[#mine + 1] = part
  end
end
return mine
"""

# ARGV: a consumer that gives its partitions back.
LEAVE = """
local prefix, name = KEYS[1], ARGV[1]
redis.call('ZREM', prefix .. 'consumers', name)
local claims = redis.call('HGETALL', prefix .. 'claims')
for i = 1, #claims, 2 do
  if claims[i + 1] == name then redis.call('HDEL', prefix .. 'claims', claims[i]) end
end
"""
