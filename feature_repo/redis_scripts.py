"""What Redis does for the event log in one piece: Lua runs alone there, so nothing comes between.

All keys begin with KEYS[1]. Sequence numbers are one count over all partitions, and are the entry
ids of the streams (`<seq>-0`), so every stream is in the order of storing.
"""

# ARGV: six values per event: message id, time (µs), customer or '', device or '', partition, row.
# Returns one number per event: its sequence number, negative where it was stored before.
APPEND = """
local prefix = KEYS[1]

local function less(a, b)  -- by bytes; Lua's own comparison depends on the server's language
  for i = 1, math.min(#a, #b) do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then return x < y end
  end
  return #a < #b
end

local function link(device, customer, at)
  local known = redis.call('HGET', prefix .. 'links', device)
  if known then
    local cut = known:find(' ', 1, true)
    local since, owner = tonumber(known:sub(1, cut - 1)), known:sub(cut + 1)
    local said = tonumber(at)
    if since < said or (since == said and not less(customer, owner)) then return end
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

local found = {}
for i = 1, #ARGV, 6 do
  local id, at, customer, device = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local known = redis.call('HGET', prefix .. 'messages', id)
  if known then
    found[#found + 1] = -tonumber(known:sub(1, known:find(' ', 1, true) - 1))
  else
    local seq = redis.call('HINCRBY', prefix .. 'about', 'seq', 1)
    local entry = string.format('%.0f', seq)
    redis.call('XADD', prefix .. 'events:' .. ARGV[i + 4], entry .. '-0', 'row', ARGV[i + 5])
    redis.call('HSET', prefix .. 'messages', id, entry .. ' ' .. ARGV[i + 4])
    local owner = customer ~= '' and 'customer:' .. customer or 'device:' .. device
    redis.call('ZADD', prefix .. 'of:' .. owner, at, id .. '\\0' .. entry)
    if customer ~= '' then redis.call('SADD', prefix .. 'customers', customer) end
    if device ~= '' then redis.call('SADD', prefix .. 'seen', device) end
    if customer ~= '' and device ~= '' then link(device, customer, at) end
    widen(at)
    found[#found + 1] = seq
  end
end
return found
"""

# ARGV: three values per item: item id, updated at (µs), row.
PUT_ITEMS = """
local items = KEYS[1] .. 'items'
for i = 1, #ARGV, 3 do
  local known = redis.call('HGET', items, ARGV[i])
  if not known or tonumber(ARGV[i + 1]) >= tonumber(known:sub(1, known:find(' ', 1, true) - 1)) then
    redis.call('HSET', items, ARGV[i], ARGV[i + 1] .. ' ' .. ARGV[i + 2])
  end
end
"""
