-- One incident after the other: POST it, POST its end, POST an acknowledgement as a person. Each connection has a thread of its own.
dofile(os.getenv("BENCH_LUA") .. "/report.lua")

local threads = 0
function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init()
  local tokens = {}
  for token in string.gmatch(os.getenv("BENCH_TOKENS"), "[^,]+") do tokens[#tokens + 1] = token end
  -- The last one is the person's.
  person, source = headers(tokens[#tokens]), headers(tokens[1 + number % (#tokens - 1)])
  mark, now, n, step = os.getenv("BENCH_MARK") .. "-" .. number, os.date("!%Y-%m-%dT%H:%M:%S+00:00"), 0, 1
end

function headers(token)
  return {["Content-Type"] = "application/json", ["Authorization"] = "Token " .. token}
end

function request()
  if step == 1 then
    n = n + 1
    local x, key = (n * 7919 + number * 104729) % 1000003, mark .. "-" .. n
    local host = string.format("sw%02d-%04d.example.org", x % 97, x % 8000)
    return wrk.format("POST", "/api/v2/incidents/", source, '{"start_time":"' .. now .. '","end_time":"infinity","source_incident_id":"' .. key ..
      '","details_url":"https://nms.example.org/alarm/' .. key .. '","description":"linkDown on ' .. host .. ": alarm " .. key ..
      '","level":3,"metadata":{},"tags":[{"tag":"host=' .. host .. '"},{"tag":"object=ge-' .. x % 125 .. '"},{"tag":"location=site-' .. x % 200 ..
      '"},{"tag":"customer=customer-' .. x % 500 .. '"},{"tag":"problem_type=linkDown"}]}')
  elseif step == 2 then
    return wrk.format("POST", "/api/v2/incidents/" .. pk .. "/events/", source, '{"timestamp":"' .. now .. '","type":"END","description":"alarm cleared"}')
  end
  return wrk.format("POST", "/api/v2/incidents/" .. pk .. "/acks/", person, '{"timestamp":"' .. now .. '","description":"seen"}')
end

function response(status, _, body)
  if step == 1 and status == 201 then pk = string.match(body, '"pk":%s*(%d+)') end
  step = status == 201 and step % 3 + 1 or 1
end
