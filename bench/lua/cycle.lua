-- POST an incident, its END, and an ACK by a person (the last token); so many threads as connections, so each follows one incident at a time.
dofile(os.getenv("BENCH_LUA") .. "/report.lua")

local threads = 0
function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init()
  tokens, n, step, pk = {}, 0, 1, nil
  for token in string.gmatch(os.getenv("BENCH_TOKENS"), "[^,]+") do tokens[#tokens + 1] = token end
  person = table.remove(tokens)
  mark, now = os.getenv("BENCH_MARK"), os.date("!%Y-%m-%dT%H:%M:%S+00:00")
end

function request()
  local token = step == 3 and person or tokens[1 + number % #tokens]
  local headers = {["Content-Type"] = "application/json", ["Authorization"] = "Token " .. token}
  if step == 2 then
    return wrk.format("POST", "/api/v2/incidents/" .. pk .. "/events/", headers, '{"timestamp":"' .. now .. '","type":"END","description":"alarm cleared"}')
  elseif step == 3 then
    return wrk.format("POST", "/api/v2/incidents/" .. pk .. "/acks/", headers, '{"timestamp":"' .. now .. '","description":"seen"}')
  end
  n = n + 1
  local key = mark .. "-" .. number .. "-" .. n
  return wrk.format("POST", "/api/v2/incidents/", headers, '{"start_time":"' .. now .. '","end_time":"infinity","source_incident_id":"' .. key ..
    '","details_url":"https://nms.example.org/alarm/' .. key .. '","description":"linkDown: alarm ' .. key .. '","level":3,"metadata":{},"tags":[{"tag":"host=sw' ..
    n % 97 .. '"},{"tag":"object=ge-0/0/' .. n % 100 .. '"},{"tag":"location=site-' .. n % 200 .. '"},{"tag":"customer=customer-' .. n % 500 ..
    '"},{"tag":"problem_type=linkDown"}]}')
end

function response(status, _, body)
  if status ~= 201 then step = 1; return end
  if step == 1 then pk = string.match(body, '"pk":%s*(%d+)') end
  step = step % 3 + 1
end
