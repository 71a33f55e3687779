-- POST an incident with five tags and a key of its own, as each of the sources in turn.
dofile(os.getenv("BENCH_LUA") .. "/report.lua")

local problems = {"linkDown", "bgpDown", "boxDown", "psuFailure", "diskFull", "certExpiry", "latency", "packetLoss", "upsOnBattery", "ntpDrift"}

function init()
  headers, n = {}, 0
  for token in string.gmatch(os.getenv("BENCH_TOKENS"), "[^,]+") do
    headers[#headers + 1] = {["Content-Type"] = "application/json", ["Authorization"] = "Token " .. token}
  end
  mark = os.getenv("BENCH_MARK")
  today = os.date("!%Y-%m-%dT%H:%M:%S")
end

function request()
  n = n + 1
  local x = (n * 7919) % 1000003
  local host, problem = string.format("sw%02d-%04d.example.org", x % 97, x % 8000), problems[1 + x % #problems]
  local key = mark .. "-" .. n
  local body = '{"start_time":"' .. today .. string.format(".%06d+00:00", x % 1000000) ..
    '","end_time":"infinity","source_incident_id":"' .. key ..
    '","details_url":"https://nms.example.org/alarm/' .. key ..
    '","description":"' .. problem .. " on " .. host .. ": alarm " .. key .. ' raised by a poller","level":' .. (1 + x % 5) ..
    ',"metadata":{},"tags":[{"tag":"host=' .. host .. '"},{"tag":"object=ge-' .. x % 8 .. "/" .. x % 4 .. "/" .. x % 125 ..
    '"},{"tag":"location=site-' .. x % 200 .. '"},{"tag":"customer=customer-' .. x % 500 .. '"},{"tag":"problem_type=' .. problem .. '"}]}'
  return wrk.format("POST", nil, headers[1 + n % #headers], body)
end
