-- Asks for the paths given behind `--` in turn; the requests are formatted once.
local requests = {}
local at = 0

function init(args)
  for index, path in ipairs(args) do
    requests[index] = wrk.format("GET", path)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end
